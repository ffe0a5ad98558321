"""Bootstrap over readers: intervals of a mean, and paired comparison of two systems.

Impressions of one reader are correlated, so readers are resampled, not impressions (the cluster bootstrap; Efron
and Tibshirani 1993, ch. 13 for the percentile interval; Field and Welsh 2007 for clusters).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.errors import DataError
from recsys.evaluation.scored_slates import Floats, Ints

DRAWS = 1_000
_CELLS_PER_BLOCK = 4_000_000  # reader weights in memory at once: 32 MB

Verdict = Literal["win", "tie", "loss"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean with its 95% percentile interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean difference of a system to another on the same impressions: `win` if the interval is above zero."""

    difference: Interval
    verdict: Verdict


def intervals(
    metrics: Mapping[str, Floats], readers: Ints, draws: int = DRAWS, seed: int = 7
) -> dict[str, Interval]:
    """Return 95% intervals of the means of several metrics, all from the same draws of readers.

    Args:
        metrics: name → float64 [S], NaN where a metric is undefined for an impression.
        readers: int64 [S], the same number for all impressions of one reader.
        draws: number of resamples.
        seed: seed of the draws.

    Returns:
        name → interval; all NaN for a metric that is undefined everywhere.

    Raises:
        DataError: a metric has another number of impressions than `readers`.
    """
    if any(values.shape != readers.shape for values in metrics.values()):
        raise DataError("every metric needs one value per impression, and every impression a reader")
    if not metrics:
        return {}
    sums, counts = _per_reader(np.stack(list(metrics.values())), readers)
    resampled = _resampled_means(sums, counts, draws, seed)
    means = _ratio(sums.sum(axis=0), counts.sum(axis=0))
    return {name: _interval(float(means[m]), resampled[:, m]) for m, name in enumerate(metrics)}


def compare(system: Floats, other: Floats, readers: Ints, draws: int = DRAWS, seed: int = 7) -> Comparison:
    """Compare two systems on the same impressions, by the bootstrap of their paired differences.

    Args:
        system: float64 [S], one metric of the system; NaN where it is undefined.
        other: float64 [S], the same metric of the compared system.
        readers: int64 [S], the same number for all impressions of one reader.
        draws: number of resamples.
        seed: seed of the draws.

    Returns:
        The mean of `system` − `other`, its interval and the verdict: a tie if nothing is defined.

    Raises:
        DataError: the systems were evaluated on different impressions.
    """
    _require_same_slates(system, other)
    difference = intervals({"difference": system - other}, readers, draws, seed)["difference"]
    verdict: Verdict = "win" if difference.low > 0 else "loss" if difference.high < 0 else "tie"
    return Comparison(difference, verdict)


def share_of_wins(system: Floats, other: Floats, readers: Ints, draws: int = DRAWS, seed: int = 7) -> float:
    """Return the share of the draws of readers in which the mean of `system` is above that of `other`, paired.

    The arguments are those of `compare`. A tie in a draw counts half; without defined values the share is 0.5.

    Raises:
        DataError: the systems were evaluated on different impressions.
    """
    _require_same_slates(system, other)
    resampled = _resampled_means(*_per_reader((system - other)[None], readers), draws, seed)[:, 0]
    defined = resampled[~np.isnan(resampled)]
    return float(((defined > 0) + 0.5 * (defined == 0)).mean()) if len(defined) else 0.5


def _require_same_slates(system: Floats, other: Floats) -> None:
    if system.shape != other.shape or np.any(np.isnan(system) != np.isnan(other)):
        raise DataError("a paired comparison needs both systems on the same impressions")


def _per_reader(values: Floats, readers: Ints) -> tuple[Floats, Floats]:
    """Return the sum and number of defined values per reader and metric, each float64 [R, M]."""
    _, reader = np.unique(readers, return_inverse=True)
    defined = ~np.isnan(values)
    size = int(reader.max()) + 1 if len(reader) else 0
    sums = [np.bincount(reader, weights=row, minlength=size) for row in np.where(defined, values, 0.0)]
    counts = [np.bincount(reader, weights=row, minlength=size) for row in defined]
    return np.stack(sums, axis=1), np.stack(counts, axis=1)


def _resampled_means(sums: Floats, counts: Floats, draws: int, seed: int) -> Floats:
    """Return the mean per draw and metric, float64 [draws, M]."""
    blocks = [_ratio(weights @ sums, weights @ counts) for weights in _weights(len(sums), draws, seed)]
    return np.concatenate(blocks) if blocks else np.full((draws, sums.shape[1]), np.nan)


def _weights(readers: int, draws: int, seed: int) -> Iterator[Floats]:
    """Yield how often each reader is drawn, float64 [block, R]: drawing R of R with replacement is multinomial."""
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS_PER_BLOCK // max(readers, 1))
    chances = np.full(readers, 1 / max(readers, 1))
    for start in range(0, draws if readers else 0, block):
        yield rng.multinomial(readers, chances, size=min(block, draws - start)).astype(np.float64)


def _ratio(sums: Floats, counts: Floats) -> Floats:
    empty: Floats = np.full(sums.shape, np.nan)
    return np.asarray(np.divide(sums, counts, out=empty, where=counts > 0), dtype=np.float64)


def _interval(mean: float, resampled: Floats) -> Interval:
    """Return percentiles over the draws with at least one defined value."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return Interval(mean, float("nan"), float("nan"))
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(mean, float(low), float(high))
