"""Choice of the clip of weights by measured bias and variance.

A smaller clip lowers the variance, and adds a bias. The bias is measured: the mean of what the clip cuts off. For
the choice, the part of its square that is chance is taken off. The clip with the smallest sum of squared bias and
variance is chosen, as Wang, Agarwal and Dudík (2017, section 4) do with a bound of the bias. The interval has the
measured bias and its chance.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from recsys.evaluation.off_policy.estimators import Estimate, Estimator
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import variance

_QUANTILES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Quantiles of the positive weights that are tried as clips."""


@dataclass(frozen=True, slots=True)
class ClippedEstimate:
    """Estimate with the chosen clip; squared_bias: measured, of the clip, with its chance. mse: see above."""

    estimate: Estimate
    clip: float
    squared_bias: float
    mse: float


def choose_clip(estimator: Estimator, logged: LoggedRewards) -> ClippedEstimate:
    """Return the estimate whose clip has the smallest measured mean squared error; infinity is no clip."""
    unclipped = estimator(logged, inf)
    best = ClippedEstimate(unclipped, inf, 0.0, variance(unclipped.parts, logged.reader))
    positive = logged.weight[logged.weight > 0]
    if not len(positive) or not np.isfinite(best.mse):
        return best
    for clip in sorted(set(np.quantile(positive, _QUANTILES).tolist()), reverse=True):
        tried = _clipped(estimator, logged, unclipped, max(clip, 1.0))
        best = tried if tried.mse < best.mse else best
    return best


def _clipped(estimator: Estimator, logged: LoggedRewards, unclipped: Estimate, clip: float) -> ClippedEstimate:
    estimate = estimator(logged, clip)
    cut = estimate.parts - unclipped.parts
    measured, chance = float(cut.mean()) ** 2, variance(cut, logged.reader)
    error = max(measured - chance, 0.0) + variance(estimate.parts, logged.reader)
    return ClippedEstimate(estimate, clip, measured + chance, error)
