"""Systems of the results table: baselines, parts and the full system. All score the same prepared requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.domain import RankRequest
from recsys.feed.query_builder import random_numbers
from recsys.models.model_loader import FEED_RANKER as FEED_RANKER
from recsys.models.model_loader import FULL_SYSTEM as FULL_SYSTEM
from recsys.models.model_loader import TrainedSystem
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import Candidates, FloatArray, Query
from recsys.ranking.ranker import Ranker
from recsys.user_model.content_matcher import mean_match

Scorer = Callable[[Sequence["PreparedQuery"]], FloatArray]
"""Function from some requests to the scores of their candidates [N], request by request.

Trees score many requests in little more time than one. A scorer must not read the engine's state, which has moved
on since the requests were prepared.
"""

TEXT_FREE = "attune_without_text"
"""Text-free trees: they see the other candidates, but no feature of the articles' text."""

POINTWISE = "pointwise_ranker"
"""Pointwise trees of all seeds: they see each candidate separately, and rank more than a slate."""

BY_UTILITY = "utility_ranker"
"""Ranking of feeds by utility: value of the reading less the price of its minutes, not by clicks."""

NETWORK = "nrms"
"""The preference network only."""

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing about: behind all others, ties broken at random."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Prepared request as input of a system. vectors [n, d] are zero where there is none."""

    request: RankRequest
    query: Query
    candidates: Candidates
    vectors: FloatArray


def systems(rankers: Mapping[str, Ranker]) -> Mapping[str, Scorer]:
    """Return name → scorer: the baselines, then `rankers` in the order given, the full system last."""
    baselines: dict[str, Scorer] = {
        "random": one_by_one(lambda query: random_numbers(query.query.request_id).random(len(query.candidates))),
        "newest": lambda queries: -_column(queries, "age"),
        "popular": lambda queries: _column(queries, "clicks_4h"),
        "popular_ctr": lambda queries: _column(queries, "ctr_4h"),
        "content": one_by_one(_content),
        NETWORK: lambda queries: _column(queries, "preference"),
    }
    return baselines | {name: ranked_by(ranker) for name, ranker in rankers.items()}


def rankers_of(system: TrainedSystem) -> Mapping[str, Ranker]:
    """Return the rankers of a bundle that get a row of the results table."""
    by_value = {} if system.value is None else {BY_UTILITY: system.value}
    return {
        TEXT_FREE: system.text_free,
        FEED_RANKER: system.click_ranker,
        **by_value,
        POINTWISE: system.models.pointwise,
        FULL_SYSTEM: system.models.listwise,
    }


def one_by_one(score: Callable[[PreparedQuery], FloatArray]) -> Scorer:
    """Return a scorer of many requests from a function for one request."""
    return lambda queries: np.concatenate([score(each) for each in queries])


def ranked_by(ranker: Ranker) -> Scorer:
    """Return a scorer that uses `ranker`."""
    return lambda queries: ranker.score(_features(queries))


def fill_unknown(scores: FloatArray) -> FloatArray:
    """Replace NaN scores by `UNKNOWN_SCORE`."""
    return np.where(np.isnan(scores), UNKNOWN_SCORE, scores)


def _column(queries: Sequence[PreparedQuery], name: str) -> FloatArray:
    return _features(queries)[:, ALL_FEATURES.names.index(name)]


def _features(prepared: Sequence[PreparedQuery]) -> FloatArray:
    return np.concatenate([_features_of(each) for each in prepared])


def _features_of(prepared: PreparedQuery) -> FloatArray:
    assert prepared.candidates.features is not None
    return prepared.candidates.features


def _content(prepared: PreparedQuery) -> FloatArray:
    reads = prepared.query.reads
    return (
        mean_match(reads, prepared.vectors.astype(np.float32)) if len(reads) else np.zeros(len(prepared.vectors))
    )
