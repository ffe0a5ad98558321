"""Intervals of off-policy estimates over readers.

Slates of one reader are correlated, so the variance is that of sums over readers (cluster-robust; Liang and Zeger
1986). A few large weights may decide the sum; then fewer readers count than there are. Student's t with the
effective number of readers, ``(Σ d²)² / Σ d⁴`` for deviations d, widens the interval for that (after Carter,
Schnepel and Steigerwald 2017). Large weights also make the sum skewed: Hall's transformation corrects for that
(Hall 1992, "On the removal of skewness by transformation").
"""

import numpy as np
from scipy.stats import t as student_t

from recsys.evaluation.bootstrap import Interval
from recsys.evaluation.scored_slates import Floats, Ints

_LEVEL, _NORMAL = 0.975, 1.96
_NO_SKEWNESS = 1e-6
_FEWEST = 2.0
"""Effective readers below which no interval is finite enough to use."""


def deviations(parts: Floats, reader: Ints) -> Floats:
    """Return the sum of the deviations of `parts` [S] from their mean, by reader [R]."""
    _, place = np.unique(reader, return_inverse=True)
    return np.bincount(place, weights=parts - parts.mean()).astype(np.float64)


def variance(parts: Floats, reader: Ints) -> float:
    """Return the variance of the mean of `parts` [S]; infinite with one reader."""
    off = deviations(parts, reader)
    if len(off) < _FEWEST:
        return float("inf")
    return float((off**2).sum() * len(off) / (len(off) - 1) / len(parts) ** 2)


def reader_interval(parts: Floats, reader: Ints, more_variance: float = 0.0) -> Interval:
    """Return the mean of `parts` [S] with its 95% interval; `more_variance` is added, for a known bias."""
    value = float(parts.mean())
    off = deviations(parts, reader)
    total = float((off**2).sum())
    if len(off) < _FEWEST or (total and total**2 < _FEWEST * float((off**4).sum())):
        return Interval(value, float("nan"), float("nan"))
    if not total:
        half = _NORMAL * float(np.sqrt(more_variance))
        return Interval(value, value - half, value + half)
    freedom = total**2 / float((off**4).sum()) - 1
    bound = float(student_t.ppf(_LEVEL, freedom))
    error = float(np.sqrt(variance(parts, reader) + more_variance))
    skewness = float((off**3).mean() / (off**2).mean() ** 1.5)
    below, above = (_unskewed(each, skewness, len(off)) for each in (bound, -bound))
    return Interval(value, value - error * below, value - error * above)


def _unskewed(bound: float, skewness: float, readers: int) -> float:
    """Return the bound of a studentised mean whose transform is `bound`: the inverse of Hall's cubic."""
    if abs(skewness) < _NO_SKEWNESS:
        return bound
    root = float(np.sqrt(readers))
    inner = 1 + skewness * (bound / root - skewness / (6 * readers))
    return float(3 * root / skewness * (np.cbrt(inner) - 1))
