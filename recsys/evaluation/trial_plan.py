"""Plan of a trial: what differences it would find after so many days, from the log of the days just past.

The log shows how much readers differ, how often they come, and how much of it their past explains. So a plan
assumes only that the coming days are like the last ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import polars as pl

from recsys.evaluation.ab_test import readers_of
from recsys.evaluation.sequential_trial import FEWEST_READERS, adjusted_variance, errors_wide

DAYS = (1, 2, 4, 7, 14, 28)
"""Lengths of trials that a plan compares."""

POWER_ERRORS = 0.8416
"""Standard errors below the mean above which 80% of a normal distribution lies: the power of a plan."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """Smallest differences that a trial finds with a probability of 80%, by outcome, as shares of its mean.

    readers, slates: of both arms. A trial may be looked at every day.
    """

    readers: int
    slates: int
    differences: Mapping[str, float]


def detectable(outcomes: pl.DataFrame, before: pl.DataFrame, share: float) -> Detectable | None:
    """Return what a trial with these slates would find; None with too few readers in an arm.

    Args:
        outcomes: columns `store.experiments.OUTCOMES`, of the last days, of all models.
        before: columns `store.experiments.BEFORE`, of the days before these.
        share: share of the readers whom the challenger would get, above 0 and below 1.
    """
    found = readers_of(outcomes, before)
    readers = outcomes["reader"].n_unique()
    if readers * min(share, 1 - share) < FEWEST_READERS:
        return None
    split = share * (1 - share)
    wide = errors_wide(outcomes.height * split) + POWER_ERRORS
    differences = {}
    for outcome, arm in found.items():
        error = sqrt(adjusted_variance(arm) / split)
        differences[outcome] = wide * error / arm.mean if arm.mean else float("nan")
    return Detectable(readers, outcomes.height, differences)
