"""Answers → figures: metrics with intervals, comparisons, slices, and what lies beyond accuracy."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR, MINUTE
from recsys.evaluation import bootstrap, metrics
from recsys.evaluation.platt import Platt
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FULL_SYSTEM
from recsys.state.catalog import NEVER
from recsys.state.growing import grow

TOP = 10
_COLD_READER = 3
_NEW_READER = 5
_LONG_HISTORY = 40
_COLD_ARTICLE = 30 * MINUTE
_NEW_ARTICLE = HOUR


def figures(
    answers: ReplayScores,
    probabilities: Mapping[str, Platt],
    vectors: NDArray[np.float32],
    clicks: NDArray[np.float64],
) -> dict[str, Any]:
    """The systems of `answers`, by name.

    Args:
        answers: what was replayed.
        probabilities: per system, fitted on another slice; without one its `ece` is null.
        vectors: article vectors by dense id [rows, d].
        clicks: clicks of each article before the stretch, by dense id [rows].
    """
    known = int(answers.rows.max(initial=-1)) + 1  # some articles were first met during the stretch
    vectors, clicks = grow(vectors, known), grow(clicks, known)
    return {
        name: {
            **_ranking(answers, name),
            "ece": _ece(answers, name, probabilities.get(name)),
            "beyond_accuracy": _beyond_accuracy(answers, name, vectors, clicks),
        }
        for name in answers.scores
    }


def comparisons(answers: ReplayScores, metric: str = "auc") -> dict[str, Any]:
    """The full system against each other one, paired, on a metric of `metrics.RANKING`."""
    values = {name: metrics.RANKING[metric](answers.slates(name)) for name in answers.scores}
    return {
        name: asdict(bootstrap.compare(values[FULL_SYSTEM], rival, answers.readers))
        for name, rival in values.items()
        if name != FULL_SYSTEM
    }


def beats_popularity(answers: ReplayScores) -> bool:
    """Whether the full system does not lose to decayed clicks, by the paired interval of AUC."""
    return bool(comparisons(answers)["popular"]["verdict"] != "loss")


def slices(answers: ReplayScores) -> dict[str, Any]:
    """AUC of every system on parts of the impressions; the first two are cold starts."""
    new_article = _clicked_newer_than(answers, _NEW_ARTICLE)
    parts = {
        f"readers with ≤ {_COLD_READER} reads": answers.history <= _COLD_READER,
        "clicked an article in its first 30 minutes": _clicked_newer_than(answers, _COLD_ARTICLE),
        f"readers with < {_NEW_READER} reads": answers.history < _NEW_READER,
        f"readers with {_NEW_READER}-{_LONG_HISTORY} reads": (answers.history >= _NEW_READER)
        & (answers.history <= _LONG_HISTORY),
        f"readers with > {_LONG_HISTORY} reads": answers.history > _LONG_HISTORY,
        "clicked an article in its first hour": new_article,
        "clicked an older article": ~new_article,
        **{f"hour {h:02}-{h + 5:02} UTC": (answers.at // HOUR % 24) // 6 == h // 6 for h in range(0, 24, 6)},
    }
    values = {name: metrics.auc(answers.slates(name)) for name in answers.scores}
    return {
        part: {"impressions": int(chosen.sum()), **{name: _mean(auc[chosen]) for name, auc in values.items()}}
        for part, chosen in parts.items()
    }


def _ranking(answers: ReplayScores, name: str) -> dict[str, Any]:
    slates = answers.slates(name)
    values = {metric: compute(slates) for metric, compute in metrics.RANKING.items()}
    intervals = bootstrap.intervals(values, answers.readers)
    return {
        **{metric: _finite(interval.mean) for metric, interval in intervals.items()},
        "ci": {metric: [_finite(i.low), _finite(i.high)] for metric, i in intervals.items()},
    }


def _ece(answers: ReplayScores, name: str, platt: Platt | None) -> float | None:
    if platt is None or not len(answers.labels):
        return None
    return _finite(metrics.expected_calibration_error(platt(answers.scores[name]), answers.labels > 0))


def _beyond_accuracy(
    answers: ReplayScores, name: str, vectors: NDArray[np.float32], clicks: NDArray[np.float64]
) -> dict[str, float | None]:
    slates = answers.slates(name)
    rows, places = slates.top(answers.rows, TOP), slates.top(np.arange(len(answers.rows)), TOP)
    topics = np.where(places >= 0, np.append(answers.topics, -1)[places], -1)
    return {
        "coverage@10": _finite(metrics.coverage(rows, len(np.unique(answers.rows)))),
        "intra_list_diversity@10": _mean(metrics.intra_list_diversity(rows, vectors)),
        "novelty@10": _mean(metrics.novelty(rows, clicks)),
        "fresh_share@10": _mean(metrics.fresh_share(places, answers.available, answers.at)),
        "topic_divergence@10": _mean(metrics.topic_divergence(answers.mix, topics)),
    }


def _clicked_newer_than(answers: ReplayScores, age_limit: int) -> NDArray[np.bool_]:
    slate = np.repeat(np.arange(len(answers)), np.diff(answers.offsets))
    age = answers.at[slate] - np.where(answers.available == NEVER, answers.at[slate], answers.available)
    new = (answers.labels > 0) & (age < age_limit)
    return np.bincount(slate, weights=new, minlength=len(answers)) > 0


def _mean(values: NDArray[np.float64]) -> float | None:
    return _finite(metrics.mean(values))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
