import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.simulate.world import simulate
from recsys.training.calibration.click_noise import BOUNCE, Articles, with_noise, with_shuffled_dwell, without
from recsys.user_model.dwell_quantiles import click_noise
from recsys.user_model.preference_data import PreferenceData
from tests.unit.user_model.cases import no_evidence

ROWS, LENGTH = 60, 10


def articles() -> Articles:
    """Sixty articles of a minute each; the first has no vector."""
    vectors = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
    vectors[0] = 0.0
    return Articles(vectors, np.full(ROWS, 60.0))


def histories(lengths: list[int], seed: int = 1, known: float = 1.0) -> PreferenceData:
    """One slate for each history, of reads of half a minute to two; `known`: share of reads of known dwell."""
    rng = np.random.default_rng(seed)
    shape = (len(lengths), LENGTH)
    there = np.arange(LENGTH) < np.asarray(lengths)[:, None]
    seconds = np.where(rng.random(shape) < known, rng.uniform(30, 120, size=shape), np.nan)
    return PreferenceData(
        at=np.arange(len(lengths)),
        reader=np.arange(len(lengths)),
        reads=np.where(there, rng.integers(1, ROWS, size=shape), -1).astype(np.int32),
        seconds=np.where(there, seconds, 0.0).astype(np.float32),
        age=np.where(there, np.arange(LENGTH)[::-1] + 1.0, 0.0).astype(np.float32),
        quantile=np.where(there, 0.5, np.nan).astype(np.float32),
        noise=np.full(len(lengths), 0.1, dtype=np.float32),
        important=np.where(there, 1, -1).astype(np.int8),
        candidates=np.tile([1, 2], len(lengths)).astype(np.int32),
        evidence=no_evidence(2 * len(lengths)),
        labels=np.tile([1, 0], len(lengths)).astype(np.int8),
        offsets=np.arange(len(lengths) + 1) * 2,
    )


some_lengths = st.lists(st.integers(1, LENGTH), min_size=1, max_size=8)
some_noise = st.sampled_from([0.0, 0.1, 0.3, 0.6])


@settings(deadline=None, max_examples=60)
@given(some_lengths, some_noise, st.integers(0, 999))
def test_chance_clicks_are_the_given_share_and_reads_keep_their_order(
    lengths: list[int], share: float, seed: int
) -> None:
    data = histories(lengths)
    noisy = with_noise(data, share, articles(), np.random.default_rng(seed))
    there = noisy.data.reads >= 0
    for slate, real in enumerate(lengths):
        added = round(real * share / (1 - share))
        total = min(real + added, LENGTH)
        assert there[slate].sum() == total
        assert there[slate, :total].all(), "reads stand in front"
        kept = noisy.data.reads[slate][there[slate] & ~noisy.injected[slate]]
        assert kept.tolist() == data.reads[slate, real - len(kept) : real].tolist(), "the newest reads stay"
        if real + added <= LENGTH:
            assert noisy.injected[slate].sum() == added
    assert not noisy.injected[~there].any()
    assert (np.diff(np.where(there, noisy.data.age, 0.0), axis=1) <= 0).all(), "older reads stand first"


def test_without_noise_nothing_moves() -> None:
    data = histories([3, LENGTH])
    same = with_noise(data, 0.0, articles(), np.random.default_rng(0))
    for name in ("reads", "seconds", "age", "labels", "candidates"):
        np.testing.assert_array_equal(getattr(same.data, name), getattr(data, name))
    assert not same.injected.any()


def test_chance_clicks_are_bounces_on_described_articles_judged_like_any_read() -> None:
    noisy = with_noise(histories([7] * 200), 0.3, articles(), np.random.default_rng(2))
    data, injected = noisy.data, noisy.injected
    assert set(data.seconds[injected].tolist()) == set(range(2, 10)), "whole seconds, as histories hold them"
    assert (data.reads[injected] > 0).all()
    real = (data.reads >= 0) & ~injected
    assert data.quantile[injected].max() < data.quantile[real].min()
    assert data.noise.mean() > 2 * click_noise(np.full(7, 60.0)), "of seven long reads"
    assert (data.important[injected & (data.seconds < 5)] == 0).all()
    np.testing.assert_array_equal(np.isnan(data.quantile), data.reads < 0)


def test_dwell_of_chance_clicks_is_unknown_as_often_as_that_of_reads() -> None:
    noisy = with_noise(histories([7] * 400, known=0.25), 0.3, articles(), np.random.default_rng(2))
    assert np.isnan(noisy.data.seconds[noisy.injected]).mean() == pytest.approx(0.75, abs=0.05)


def test_bounces_are_as_long_as_those_of_simulated_readers() -> None:
    world = simulate(readers=60, articles=150, days=3, seed=3)
    reads = world.events.filter(world.events["kind"] == "read")["value"].to_numpy()
    bounced = reads[reads < BOUNCE[1]]
    assert bounced.min() == pytest.approx(BOUNCE[0], abs=0.2)
    assert np.median(bounced) == pytest.approx(np.mean(BOUNCE), abs=0.7)


@settings(deadline=None, max_examples=40)
@given(some_lengths, st.integers(0, 999))
def test_an_oracle_gets_back_the_reads_that_are_left(lengths: list[int], seed: int) -> None:
    noisy = with_noise(histories(lengths), 0.3, articles(), np.random.default_rng(seed))
    clean = without(noisy.data, noisy.injected)
    for slate in range(len(lengths)):
        kept = (noisy.data.reads[slate] >= 0) & ~noisy.injected[slate]
        if kept.any():
            for name in ("reads", "seconds", "age", "quantile", "important"):
                left = getattr(clean, name)[slate]
                np.testing.assert_array_equal(left[: kept.sum()], getattr(noisy.data, name)[slate][kept])
            assert (clean.reads[slate, kept.sum() :] == -1).all()


def test_a_history_is_never_left_empty() -> None:
    data = histories([1, 4])
    everything: NDArray[np.bool_] = np.ones(data.reads.shape, dtype=np.bool_)
    np.testing.assert_array_equal(without(data, everything).reads, data.reads)


def test_shuffled_dwell_is_the_same_dwell_on_other_reads() -> None:
    noisy = with_noise(histories([7] * 20), 0.3, articles(), np.random.default_rng(0)).data
    shuffled = with_shuffled_dwell(noisy, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(shuffled.quantile), np.sort(noisy.quantile))
    np.testing.assert_array_equal(np.isnan(shuffled.quantile), np.isnan(noisy.quantile))
    assert not np.array_equal(shuffled.quantile, noisy.quantile, equal_nan=True)
