"""Results of a replay: metrics with intervals, comparisons, slices, and metrics beyond accuracy."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.constants import NEW_READER
from recsys.domain import HOUR
from recsys.evaluation import bootstrap, metrics
from recsys.evaluation.cold_start import (
    AMONG_NEW,
    FIRST_HOUR,
    HALF_NEW,
    cold_starts,
    coldest_starts,
    half_new,
    new_candidates,
)
from recsys.evaluation.platt import Platt
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FULL_SYSTEM
from recsys.state.flat_arrays import grow

TOP = 10
_LONG_HISTORY = 40


def figures(
    replayed: ReplayScores,
    probabilities: Mapping[str, Platt],
    vectors: NDArray[np.float32],
    clicks: NDArray[np.float64],
) -> dict[str, Any]:
    """Return the metrics of every system, by name.

    Args:
        replayed: scores of the replay.
        probabilities: score calibration per system, fitted on another slice; without one, `ece` is null.
        vectors: article vectors by dense id [rows, d].
        clicks: clicks of each article before the window, by dense id [rows].
    """
    known = int(replayed.rows.max(initial=-1)) + 1  # some articles first appear during the window
    vectors, clicks = grow(vectors, known), grow(clicks, known)
    return {
        name: {
            **_ranking(replayed, name),
            "ece": _ece(replayed, name, probabilities.get(name)),
            "beyond_accuracy": _beyond_accuracy(replayed, name, vectors, clicks),
        }
        for name in replayed.scores
    }


def comparisons(replayed: ReplayScores, metric: str = "auc") -> dict[str, Any]:
    """Compare the full system with every other one, paired, on a metric of `metrics.RANKING`."""
    values = {name: metrics.RANKING[metric](replayed.slates(name)) for name in replayed.scores}
    return {
        name: asdict(bootstrap.compare(values[FULL_SYSTEM], other, replayed.readers))
        for name, other in values.items()
        if name != FULL_SYSTEM
    }


def slices(replayed: ReplayScores) -> dict[str, Any]:
    """Return the AUC of every system on parts of the impressions; the first parts are cold starts.

    The part `AMONG_NEW` has the AUC among the new candidates of an impression only.
    """
    cold = cold_starts(replayed)
    parts = {
        **coldest_starts(replayed),
        **cold,
        HALF_NEW: half_new(replayed),
        f"readers with {NEW_READER}-{_LONG_HISTORY} reads": (replayed.history >= NEW_READER)
        & (replayed.history <= _LONG_HISTORY),
        f"readers with > {_LONG_HISTORY} reads": replayed.history > _LONG_HISTORY,
        "clicked an older article": ~cold[FIRST_HOUR],
        **{f"hour {h:02}-{h + 5:02} UTC": (replayed.at // HOUR % 24) // 6 == h // 6 for h in range(0, 24, 6)},
    }
    values = {name: metrics.auc(replayed.slates(name)) for name in replayed.scores}
    found: dict[str, Any] = {
        part: {"impressions": int(mask.sum()), **{name: _mean(auc[mask]) for name, auc in values.items()}}
        for part, mask in parts.items()
    }
    return {**found, AMONG_NEW: _among_new(replayed)}


def _among_new(replayed: ReplayScores) -> dict[str, Any]:
    new = new_candidates(replayed)
    slates = {name: replayed.slates(name).keep(new) for name in replayed.scores}
    judged = next(iter(slates.values())).valid.sum() if slates else 0
    return {"impressions": int(judged), **{name: _mean(metrics.auc(each)) for name, each in slates.items()}}


def _ranking(replayed: ReplayScores, name: str) -> dict[str, Any]:
    slates = replayed.slates(name)
    values = {metric: compute(slates) for metric, compute in metrics.RANKING.items()}
    intervals = bootstrap.intervals(values, replayed.readers)
    return {
        **{metric: _finite(interval.mean) for metric, interval in intervals.items()},
        "ci": {metric: [_finite(i.low), _finite(i.high)] for metric, i in intervals.items()},
    }


def _ece(replayed: ReplayScores, name: str, platt: Platt | None) -> float | None:
    if platt is None or not len(replayed.labels):
        return None
    return _finite(metrics.expected_calibration_error(platt(replayed.scores[name]), replayed.labels > 0))


def _beyond_accuracy(
    replayed: ReplayScores, name: str, vectors: NDArray[np.float32], clicks: NDArray[np.float64]
) -> dict[str, float | None]:
    slates = replayed.slates(name)
    rows, positions = slates.top(replayed.rows, TOP), slates.top(np.arange(len(replayed.rows)), TOP)
    categories = np.where(positions >= 0, np.append(replayed.categories, -1)[positions], -1)
    return {
        "coverage@10": _finite(metrics.coverage(rows, len(np.unique(replayed.rows)))),
        "intra_list_diversity@10": _mean(metrics.intra_list_diversity(rows, vectors)),
        "novelty@10": _mean(metrics.novelty(rows, clicks)),
        "fresh_share@10": _mean(metrics.fresh_share(positions, replayed.available, replayed.at)),
        "topic_divergence@10": _mean(metrics.topic_divergence(replayed.mix, categories)),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return _finite(metrics.mean(values))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
