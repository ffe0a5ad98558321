"""Plans of trials."""

import numpy as np
import polars as pl
import pytest

from recsys.evaluation.sequential_trial import ArmReaders, difference
from recsys.evaluation.trial_plan import detectable
from recsys.store.experiments import BEFORE, OUTCOMES

NO_PAST = pl.DataFrame(schema=BEFORE)


def outcomes(readers: int, rng: np.random.Generator, lift: float = 1.0) -> pl.DataFrame:
    """Ten slates of each reader, with half an opened article on average."""
    clicks = rng.poisson(0.5 * lift, (readers, 10))
    rows = [("m", f"r{reader}", int(count), 20.0 * count, 0) for reader, row in enumerate(clicks) for count in row]
    return pl.DataFrame(rows, schema=OUTCOMES, orient="row")


def test_the_planned_difference_is_found_in_four_of_five_trials() -> None:
    rng = np.random.default_rng(4)
    plan = detectable(outcomes(400, rng), NO_PAST, 0.5)
    assert plan is not None
    assert (plan.readers, plan.slates) == (400, 4_000)
    found = []
    for _ in range(300):
        arms = [rng.poisson(0.5 * lift, (200, 10)).sum(axis=1) for lift in (1 + plan.differences["clicks"], 1.0)]
        tens, past = np.full(200, 10.0), np.zeros(200)
        each = difference(*(ArmReaders(slates=tens, outcome=arm.astype(float), before=past) for arm in arms))
        assert each is not None
        found.append(each.better)
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_more_readers_and_even_arms_find_smaller_differences() -> None:
    rng = np.random.default_rng(1)
    many, few = outcomes(4_000, rng), outcomes(400, rng)
    even, uneven, small = (
        detectable(*each) for each in ((many, NO_PAST, 0.5), (many, NO_PAST, 0.1), (few, NO_PAST, 0.5))
    )
    assert even is not None
    assert uneven is not None
    assert small is not None
    assert even.differences["clicks"] < uneven.differences["clicks"]
    assert even.differences["clicks"] < small.differences["clicks"]


def test_a_past_that_predicts_readers_makes_a_trial_shorter() -> None:
    rng = np.random.default_rng(2)
    rate = rng.gamma(1.0, 0.5, 500)
    rows = [
        ("m", f"r{reader}", int(rng.poisson(rate[reader])), 0.0, 0) for reader in range(500) for _ in range(10)
    ]
    past = [(f"r{reader}", int(rng.poisson(rate[reader] * 50)), 0.0) for reader in range(500)]
    slates = pl.DataFrame(rows, schema=OUTCOMES, orient="row")
    known = detectable(slates, pl.DataFrame(past, schema=BEFORE, orient="row"), 0.5)
    unknown = detectable(slates, NO_PAST, 0.5)
    assert known is not None
    assert unknown is not None
    assert known.differences["clicks"] < 0.7 * unknown.differences["clicks"]
    assert np.isnan(known.differences["seconds"]), "nothing was read, so there is nothing to compare"


def test_a_small_arm_has_no_plan() -> None:
    assert detectable(outcomes(100, np.random.default_rng(3)), NO_PAST, 0.1) is None
