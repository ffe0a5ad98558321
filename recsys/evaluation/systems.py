"""The systems of the results table: baselines, parts, and the whole. All score the same prepared requests."""

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
"""Scores of the candidates of some requests [N], one request after the other: trees take many for little more.

The state has moved on since they were prepared: a scorer that reads it would see what came later.
"""

TEXT_FREE = "attune_without_text"
"""Trees that see the rivals, and never what an article is about."""

POINTWISE = "pointwise_ranker"
"""Trees of all seeds that see each candidate alone: what orders more than a slate holds."""

BY_VALUE = "utility_ranker"
"""What orders feeds: worth of the reading, less the price of its minutes. It aims at no click."""

NETWORK = "nrms"
"""The preference network alone."""

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing of: behind all others, ties broken at random."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A prepared request as a system sees it: vectors [n, d] are zero where there is none."""

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
    by_value = {} if system.value is None else {BY_VALUE: system.value}
    return {
        TEXT_FREE: system.text_free,
        FEED_RANKER: system.click_ranker,
        **by_value,
        POINTWISE: system.models.pointwise,
        FULL_SYSTEM: system.models.listwise,
    }


def one_by_one(score: Callable[[PreparedQuery], FloatArray]) -> Scorer:
    """A scorer of many requests from one of a single request."""
    return lambda asked: np.concatenate([score(each) for each in asked])


def ranked_by(ranker: Ranker) -> Scorer:
    """A scorer by `ranker`."""
    return lambda asked: ranker.score(_features(asked))


def known(scores: FloatArray) -> FloatArray:
    """Scores without NaN."""
    return np.where(np.isnan(scores), UNKNOWN_SCORE, scores)


def _column(asked: Sequence[PreparedQuery], name: str) -> FloatArray:
    return _features(asked)[:, ALL_FEATURES.names.index(name)]


def _features(asked: Sequence[PreparedQuery]) -> FloatArray:
    return np.concatenate([_features_of(each) for each in asked])


def _features_of(asked: PreparedQuery) -> FloatArray:
    assert asked.candidates.features is not None
    return asked.candidates.features


def _content(asked: PreparedQuery) -> FloatArray:
    reads = asked.query.reads
    return mean_match(reads, asked.vectors.astype(np.float32)) if len(reads) else np.zeros(len(asked.vectors))
