"""Differences of trials that may be looked at at any time."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.evaluation.ab_test import differences
from recsys.evaluation.sequential_trial import (
    FEWEST_READERS,
    TUNED_SLATES,
    UNEVEN_EVIDENCE,
    ArmReaders,
    Difference,
    difference,
    errors_wide,
    share_evidence,
)
from recsys.store.experiments import BEFORE, OUTCOMES

LOOKS = 60


def arm(slates: np.ndarray, outcome: np.ndarray, before: np.ndarray | None = None) -> ArmReaders:
    past = np.zeros(len(slates)) if before is None else before
    return ArmReaders(slates=slates.astype(float), outcome=outcome.astype(float), before=past.astype(float))


def looks(seed: int, lift: float = 1.0, readers: int = 200) -> list[Difference]:
    """Return the differences of one trial after each of some days."""
    rng = np.random.default_rng(seed)
    own = np.arange(readers) % 2 == 0
    rate = rng.lognormal(-1.0, 0.5, readers) * np.where(own, lift, 1.0)
    slates = rng.poisson(2.0, (LOOKS, readers)).cumsum(axis=0)
    clicks = rng.poisson(np.diff(slates, axis=0, prepend=0) * rate).cumsum(axis=0)
    found = []
    for day in range(LOOKS):
        arms = [arm(slates[day, side & (slates[day] > 0)], clicks[day, side & (slates[day] > 0)])
                for side in (own, ~own)]  # fmt: skip
        each = difference(*arms)
        assert each is not None
        found.append(each)
    return found


def test_looking_every_day_hardly_ever_finds_a_difference_that_is_not_there() -> None:
    trials = [looks(seed) for seed in range(120)]
    sequential = np.mean([any(each.better or each.worse for each in trial) for trial in trials])
    plain = np.mean([any(abs(each.interval.mean) > 1.96 * each.error for each in trial) for trial in trials])
    assert sequential <= 0.05
    assert plain > 0.1, "the test has to be one that a plain interval fails"


def test_a_large_difference_is_found() -> None:
    assert all(looks(seed, lift=1.6)[-1].better for seed in range(20))
    assert all(looks(seed, lift=0.6)[-1].worse for seed in range(20))


def test_the_past_of_readers_explains_the_square_of_its_correlation() -> None:
    rng, readers, correlation = np.random.default_rng(5), 300, 0.8
    means: list[tuple[float, float]] = []
    explained = []
    for _ in range(400):
        past = rng.normal(size=(2, readers))
        outcome = correlation * past + np.sqrt(1 - correlation**2) * rng.normal(size=(2, readers))
        one = np.ones(readers)
        adjusted = difference(*(arm(one, outcome[side], past[side]) for side in range(2)))
        plain = difference(*(arm(one, outcome[side]) for side in range(2)))
        assert adjusted is not None
        assert plain is not None
        assert plain.explained == 0
        means.append((adjusted.interval.mean, plain.interval.mean))
        explained.append(adjusted.explained)
    removed = 1 - np.var([mean[0] for mean in means]) / np.var([mean[1] for mean in means])
    assert removed == pytest.approx(correlation**2, rel=0.1)
    assert np.mean(explained) == pytest.approx(correlation**2, rel=0.05)


def test_the_error_is_that_of_readers_and_not_of_slates() -> None:
    """Readers with ten equal slates each know no more than readers with one."""
    clicks = np.random.default_rng(1).random((2, 400)) < 0.4
    one = difference(*(arm(np.ones(400), side) for side in clicks))
    ten = difference(*(arm(np.full(400, 10), 10 * side) for side in clicks))
    assert one is not None
    assert ten is not None
    assert ten.error == pytest.approx(one.error)
    expected = sum(side.var(ddof=1) / 400 for side in clicks)
    assert one.error == pytest.approx(np.sqrt(expected))


def test_few_readers_have_no_difference() -> None:
    few, many = np.ones(FEWEST_READERS - 1), np.ones(FEWEST_READERS)
    assert difference(arm(few, few), arm(many, many)) is None
    assert difference(arm(many, many), arm(many, many)) is not None


@given(st.floats(10, 1e7))
def test_a_look_is_wider_than_a_single_test_and_narrowest_near_the_tuned_time(slates: float) -> None:
    assert 1.96 < errors_wide(TUNED_SLATES) <= errors_wide(slates) + 0.01


def test_an_even_assignment_is_hardly_ever_called_uneven_at_any_look() -> None:
    rng = np.random.default_rng(2)
    own = (rng.random((300, 2_000)) < 0.3).cumsum(axis=1)
    counts = np.arange(1, 2_001)
    looked = range(99, 2_000, 100)
    evidence = [[share_evidence(int(row[n]), int(counts[n] - row[n]), 0.3) for n in looked] for row in own]
    assert np.mean(np.max(evidence, axis=1) >= 20) <= 0.05
    assert share_evidence(700, 1_300, 0.3) > UNEVEN_EVIDENCE
    assert share_evidence(10**6, 10**5, 0.5) > UNEVEN_EVIDENCE, "without overflow"


def test_differences_of_models_come_from_their_readers() -> None:
    rows = [
        (model, f"{model}{n}", n % 2 + extra, 30.0, 0) for model, extra in (("a", 0), ("b", 1)) for n in range(40)
    ]
    past = pl.DataFrame([("a1", 4, 60.0)], schema=BEFORE, orient="row")
    found = differences(pl.DataFrame(rows, schema=OUTCOMES, orient="row"), past, "b", "a")
    assert set(found) == {"opened", "clicks", "seconds", "hides"}
    clicks, opened = found["clicks"], found["opened"]
    assert clicks is not None
    assert opened is not None
    assert clicks.interval.mean == pytest.approx(1.0, abs=0.1)
    assert clicks.better
    assert clicks.explained > 0
    assert opened.interval.mean == pytest.approx(0.5, abs=0.1)
    assert differences(pl.DataFrame(schema=OUTCOMES), past, "b", "a") == dict.fromkeys(found)
