"""The closed form against attention written out, where it is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Plan
from recsys.calibration.divergence import received_kl
from tests.unit.calibration.observations import HEADS, LAYERS, normal


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 9), st.floats(0, 5), st.floats(0, 0.3), st.integers(0, 2**16))
def test_it_is_the_divergence_of_the_rows_where_all_rows_are_alike(
    length: int, gamma: float, mix: float, seed: int
) -> None:
    """Two tokens of padding stand behind."""
    rng = np.random.default_rng(seed)
    cut = np.zeros(length + 2, dtype=np.bool_)
    cut[1] = seed % 2
    weights = rng.dirichlet(np.ones(length), size=(LAYERS, HEADS))
    log_gate = np.zeros(length + 2)
    log_gate[:length] = -gamma * rng.random(length)
    tokens = np.zeros((1, length + 2, LAYERS, HEADS, 3), dtype=np.float32)
    tokens[0, :length, ..., 0] = np.moveaxis(weights * length, -1, 0)  # as many rows as tokens
    seen = Observation(np.zeros((1, LAYERS, HEADS, 5), dtype=np.float32), tokens, np.asarray([length]))
    plan = Plan(np.asarray([0]), log_gate[None], np.full((1, LAYERS, HEADS), mix), cut[None])

    left = ~cut[:length]
    gated = weights[..., left] * np.exp(log_gate[:length][left])
    after = (1 - mix) * gated / gated.sum(axis=-1, keepdims=True) + mix / left.sum()
    expected = (after * np.log(after / weights[..., left])).sum(axis=-1).mean()
    assert received_kl(seen, plan)[0] == pytest.approx(expected, abs=1e-4, rel=1e-3)


def test_texts_that_are_not_adjusted_do_not_diverge() -> None:
    seen = normal(5, seed=1)
    assert (received_kl(seen, None) == 0).all()
    gate = np.where(seen.real[[1, 3]], -1.0, 0.0) * (np.arange(seen.tokens.shape[1]) % 2)
    found = received_kl(seen, Plan(np.asarray([1, 3]), gate, np.zeros((2, LAYERS, HEADS)), gate > 0))
    assert (found[[0, 2, 4]] == 0).all()
    assert (found[[1, 3]] > 0).all()


def test_a_gate_that_is_the_same_for_all_tokens_changes_nothing() -> None:
    seen = normal(3, seed=2)
    gate = np.full(seen.tokens.shape[:2], -2.0)
    plan = Plan(np.arange(3), gate, np.zeros((3, LAYERS, HEADS)), gate > 0)
    np.testing.assert_allclose(received_kl(seen, plan), 0, atol=1e-9)
