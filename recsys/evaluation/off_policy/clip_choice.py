"""Choice of the clip of weights by measured bias and variance, on other readers than those it is used on.

A smaller clip lowers the variance, and adds a bias. The bias is measured: the mean of what the clip cuts off. The
clip with the smallest sum of variance, squared measured bias, and the chance of the latter is chosen, as Wang,
Agarwal and Dudík (2017, section 4) do with a bound of the bias. A clip that is chosen and used on the same readers
is chosen for its luck: its variance looks too small. So each half of the readers gets the clip that is best on the
other half (cross-fitting; Chernozhukov et al. 2018). The interval has the measured bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.off_policy.estimators import (
    ESTIMATORS,
    Estimate,
    Estimator,
    direct,
    doubly_robust,
)
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import reader_interval, variance
from recsys.evaluation.scored_slates import Floats, Ints

_QUANTILES = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Quantiles of the positive weights that are tried as clips."""


@dataclass(frozen=True, slots=True)
class ClippedEstimate:
    """Estimate with the chosen clips.

    clips: of the readers with an even and an odd number; infinity is none. squared_bias: measured.
    """

    estimate: Estimate
    clips: tuple[float, float]
    squared_bias: float


def estimated(name: str, logged: LoggedRewards) -> tuple[Interval, tuple[float, float]]:
    """Return the estimate of `ESTIMATORS[name]` with its 95% interval, and its clips.

    The bias of `direct` is measured by the correction of `dr`. Nothing chose that model for its small bias, so its
    interval has the chance of the measured bias, too.
    """
    if name == "direct":
        parts = direct(logged).parts
        off = parts - doubly_robust(logged).parts
        margin = float(off.mean()) ** 2 + variance(off, logged.reader)
        return reader_interval(parts, logged.reader, margin), (inf, inf)
    chosen = choose_clip(ESTIMATORS[name], logged)
    return reader_interval(chosen.estimate.parts, logged.reader, chosen.squared_bias), chosen.clips


def choose_clip(estimator: Estimator, logged: LoggedRewards) -> ClippedEstimate:
    """Return the estimate with the clip for each half of the readers that is best on the other half."""
    clips = [inf, *_clips(logged)]
    tried = [estimator(logged, clip).parts for clip in clips]
    even = logged.reader % 2 == 0
    first, second = (_best(tried, logged.reader, rows) for rows in (~even, even))
    parts = np.where(even, tried[first], tried[second])
    bias = float((parts - tried[0]).mean())
    return ClippedEstimate(Estimate(parts), (clips[first], clips[second]), bias**2)


def _clips(logged: LoggedRewards) -> list[float]:
    weight, _ = logged.weights()
    positive = weight[weight > 0]
    if not len(positive):
        return []
    return sorted({max(clip, 1.0) for clip in np.quantile(positive, _QUANTILES).tolist()}, reverse=True)


def _best(tried: Sequence[Floats], reader: Ints, rows: Ints) -> int:
    """Return the number of the best of the `tried` parts [S] on `rows`; the first is without a clip.

    Of equal ones it is the smallest clip: it cuts nothing here, and may cut a huge weight of the other readers.
    """
    errors = [_squared_error(parts[rows], tried[0][rows], reader[rows]) for parts in tried]
    return len(errors) - 1 - int(np.argmin(errors[::-1])) if np.isfinite(errors[0]) else 0


def _squared_error(parts: Floats, unclipped: Floats, reader: Ints) -> float:
    if len(parts) < 2:
        return inf
    cut = parts - unclipped
    return float(cut.mean()) ** 2 + variance(cut, reader) + variance(parts, reader)
