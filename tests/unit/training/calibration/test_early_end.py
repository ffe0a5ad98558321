"""The early end of the gates of article calibration."""

import math

import numpy as np
import pytest

from recsys.evaluation.bootstrap import Interval
from recsys.training.calibration.article_gate import LEAST_CLEAN
from recsys.training.calibration.early_end import LEAST_CHANCE, Outlook


def interval(mean: float, half: float) -> Interval:
    return Interval(mean, mean - half, mean + half)


def test_the_chance_is_how_often_a_test_on_more_slates_passes() -> None:
    """Against worlds drawn from what a pilot of 100 slates leaves possible, tested on 300 slates more."""
    rng, error, limit = np.random.default_rng(1), 0.01, 0.0
    for mean in (0.0, 0.005, 0.02):
        truth = rng.normal(mean, error, size=100_000)
        later = rng.normal(truth, error * math.sqrt(100 / 300))
        together = (100 * mean + 300 * later) / 400
        passed = together - 1.96 * error * math.sqrt(100 / 400) > limit
        outlook = Outlook.of(interval(mean, 1.96 * error), limit, slates=100, most=400)
        assert outlook.planned == 400
        assert outlook.chance == pytest.approx(passed.mean(), abs=0.01)


def test_as_many_slates_are_planned_as_make_the_interval_as_narrow_as_the_margin() -> None:
    twice_too_wide = interval(0.01, 2 * abs(LEAST_CLEAN))
    assert Outlook.of(twice_too_wide, 0.0, slates=500, most=10_000).planned == 2_000
    assert Outlook.of(twice_too_wide, 0.0, slates=500, most=1_200).planned == 1_200
    assert Outlook.of(interval(0.01, abs(LEAST_CLEAN) / 2), 0.0, slates=500, most=10_000).planned == 500


def test_with_all_slates_examined_their_interval_decides() -> None:
    assert Outlook.of(interval(0.003, 0.002), 0.0, slates=300, most=300).chance == 1.0
    assert Outlook.of(interval(0.001, 0.002), 0.0, slates=300, most=300).chance == 0.0


def test_a_gate_runs_only_where_it_may_well_pass() -> None:
    assert Outlook.of(interval(0.005, 0.005), 0.0, slates=500, most=2_000).promising
    assert not Outlook.of(interval(-0.001, 0.003), 0.0, slates=500, most=2_000).promising
    nothing = Outlook.of(interval(math.nan, math.nan), 0.0, slates=0, most=10)
    assert nothing.chance < LEAST_CHANCE
