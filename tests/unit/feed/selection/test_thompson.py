"""Chances of Thompson sampling: those of many draws, and those of obvious cases."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.feed.selection.thompson import BetaArms


@given(
    counts=st.lists(st.tuples(st.floats(0.2, 60), st.floats(0.5, 2_000)), min_size=1, max_size=16),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=15)
def test_chances_are_those_of_draws_from_the_posteriors(counts: list[tuple[float, float]], seed: int) -> None:
    alpha, beta = np.asarray(counts).T
    chances = BetaArms.of(alpha, beta).chances(np.arange(len(alpha)))
    best = np.random.default_rng(seed).beta(alpha, beta, size=(10_000, len(alpha))).argmax(axis=1)
    np.testing.assert_allclose(chances.sum(), 1.0)
    np.testing.assert_allclose(chances, np.bincount(best, minlength=len(alpha)) / 10_000, atol=0.03)


def test_equal_arms_have_equal_chances() -> None:
    arms = BetaArms.of(np.full(5, 2.0), np.full(5, 30.0))
    np.testing.assert_allclose(arms.chances(np.arange(5)), 0.2)


def test_an_arm_with_evidence_against_it_loses_its_chance() -> None:
    before = BetaArms.of(np.asarray([4.0, 4.0]), np.asarray([36.0, 36.0])).chances(np.arange(2))
    after = BetaArms.of(np.asarray([4.0, 4.0]), np.asarray([36.0, 336.0])).chances(np.arange(2))
    assert after[1] < before[1] / 10


def test_a_single_arm_is_certain() -> None:
    assert BetaArms.of(np.asarray([0.5, 3.0]), np.asarray([9.0, 1.0])).chances(np.asarray([0])).tolist() == [1.0]
