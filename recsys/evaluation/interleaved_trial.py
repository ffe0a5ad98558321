"""Outcome of interleaved slates: which of two models put the articles that readers opened.

The credit of a slate is the number of opened articles that the challenger put there less those of the reference,
by the team draft of `feed.interleaving`. Its mean is valid at every look: see `sequential_trial`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.sequential_trial import FEWEST_READERS, ArmReaders, adjusted_variance, errors_wide
from recsys.feed.interleaving import team_draft

CHALLENGER = 1
"""Team of the challenger; the reference is team 0."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Comparison of two models by interleaved slates.

    preferred: number of slates whose credit is above zero; other: below zero. credit: mean of a slate, with its
    confidence sequence; None with fewer than `FEWEST_READERS` readers.
    """

    challenger: str
    reference: str
    slates: int
    readers: int
    preferred: int
    other: int
    credit: Interval | None


def preferences(found: pl.DataFrame) -> list[Preference]:
    """Return the comparison of each pair of models in `found` (columns `store.experiments.INTERLEAVED`)."""
    pairs = found.group_by("challenger", "reference")
    return [_preference(str(one), str(two), part) for (one, two), part in sorted(pairs)]


def credit_of(first: Sequence[str], second: Sequence[str], seed: str, opened: Sequence[str]) -> int:
    """Return opened articles of the second slate's model less those of the first's, in their draft."""
    slates = (first, second)
    credit = 0
    for pick in team_draft(first, second, seed):
        if pick.team is not None and slates[pick.team][pick.place] in opened:
            credit += 1 if pick.team == CHALLENGER else -1
    return credit


def mean_credit(credits: NDArray[np.floating], readers: NDArray[np.integer]) -> Interval | None:
    """Return the mean of the credits [n] of slates, with its confidence sequence over `readers` [n].

    Readers are the units, so the variance is that of a ratio of sums over readers.
    """
    _, reader = np.unique(readers, return_inverse=True)
    slates, sums = np.bincount(reader).astype(np.float64), np.bincount(reader, weights=credits).astype(np.float64)
    if len(slates) < FEWEST_READERS:
        return None
    arm = ArmReaders(slates=slates, outcome=sums, before=np.zeros(len(slates)))
    radius = sqrt(adjusted_variance(arm)) * errors_wide(float(slates.sum()))
    return Interval(arm.mean, arm.mean - radius, arm.mean + radius)


def _preference(challenger: str, reference: str, part: pl.DataFrame) -> Preference:
    rows = part.select("first", "second", "request_id", "opened").iter_rows()
    credits = np.asarray([credit_of(*row) for row in rows], dtype=np.float64)
    readers = part["reader"].rank("dense").to_numpy().astype(np.int64)
    return Preference(
        challenger=challenger,
        reference=reference,
        slates=part.height,
        readers=part["reader"].n_unique(),
        preferred=int((credits > 0).sum()),
        other=int((credits < 0).sum()),
        credit=mean_credit(credits, readers),
    )
