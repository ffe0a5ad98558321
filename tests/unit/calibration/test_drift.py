"""PSI: 0 without drift but for chance, large with it, and blind to the mix of lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.calibration.attention_statistics import HEAD, Observation
from recsys.calibration.calibrator import Plan
from recsys.calibration.drift import ENTROPY, GROUPS, LEAST, entropy_psi, received_kl
from recsys.calibration.normal_profile import Profile
from tests.unit.calibration.observations import HEADS, LAYERS, normal, part


def profile_of(seen: Observation) -> Profile:
    made = Profile(*seen.heads.shape[1:3])
    made.add(seen)
    return made


def psi(profile: Profile, seen: Observation) -> np.ndarray:
    found = entropy_psi(profile, seen.heads[..., ENTROPY], seen.lengths)
    assert found is not None
    return found


@pytest.mark.parametrize(("now", "then"), [(LEAST - 1, LEAST), (LEAST, LEAST - 1)])
def test_too_few_texts_tell_nothing(now: int, then: int) -> None:
    seen = normal(now, seed=1)
    assert entropy_psi(profile_of(normal(then, seed=2)), seen.heads[..., ENTROPY], seen.lengths) is None


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_texts_of_the_same_kind_stay_below_the_warning(seed: int) -> None:
    profile, seen = profile_of(normal(3_000, seed=1, shortest=9, longest=30)), normal(500, seed, 9, 30)
    found = psi(profile, seen)
    assert found.shape == (LAYERS, HEADS)
    assert (found >= 0).all()
    assert found.max() < 0.15
    assert found.mean() < 2 * (GROUPS - 1) * (1 / 500 + 1 / 3_000)


def test_the_very_texts_of_the_profile_have_none() -> None:
    seen = normal(2_000, seed=3, shortest=13, longest=16)
    np.testing.assert_allclose(psi(profile_of(seen), seen), 0, atol=1e-9)


@pytest.mark.parametrize("shift", [-0.1, 0.1])
def test_a_head_that_looks_elsewhere_is_found_and_only_that_head(shift: float) -> None:
    profile, seen = profile_of(normal(3_000, seed=1)), normal(1_000, seed=2)
    seen.heads[:, 1, 2, HEAD.index("entropy")] += shift
    found = psi(profile, seen)
    assert found[1, 2] > 0.3
    found[1, 2] = 0
    assert found.max() < 0.2


def test_another_mix_of_lengths_is_no_drift() -> None:
    """Entropy depends on the length here; only the short half of the texts comes in."""
    seen, later = normal(4_000, seed=4, shortest=9, longest=16), normal(2_000, seed=5, shortest=9, longest=16)
    for texts in (seen, later):
        texts.heads[..., ENTROPY] = np.clip(
            texts.heads[..., ENTROPY] + 0.2 * (texts.lengths[:, None, None] > 12), 0, 1
        )
    short = part(later, np.flatnonzero(later.lengths <= 12))
    assert psi(profile_of(seen), short).max() < 0.1
    blind = profile_of(seen).pooled()
    assert psi(blind, short).max() > 0.3, "lengths aside, it would look like drift"


def test_it_is_the_formula_where_groups_are_plain() -> None:
    """Ten bins of equal weight are the ten groups."""
    profile = Profile(1, 1)
    profile.count[:] = 1_000
    profile.histogram[:, 0, 0, ENTROPY, 5:15] = 100
    shares = np.asarray([0.2, 0.2, *[0.075] * 8])
    entropy = np.repeat((np.arange(5, 15) + 0.5) / 32, (1_000 * shares).astype(int)).astype(np.float32)
    found = entropy_psi(profile, entropy[:, None, None], np.full(1_000, 10))
    assert found is not None
    assert found[0, 0] == pytest.approx(float(((shares - 0.1) * np.log(shares / 0.1)).sum()))


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
    coherence = np.zeros((1, length + 2, 3), dtype=np.float32)
    seen = Observation(np.zeros((1, LAYERS, HEADS, 5), dtype=np.float32), tokens, np.asarray([length]), coherence)
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
