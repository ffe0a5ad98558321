"""Systems of the results table: baselines, parts and the full system. All score the same prepared requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.domain import RankRequest
from recsys.feed.engine import Prepared, seeded_by
from recsys.models.model_loader import FEED_RANKER as FEED_RANKER
from recsys.models.model_loader import FULL_SYSTEM as FULL_SYSTEM
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.ranker import Ranker
from recsys.ranking.ranking_context import FloatArray
from recsys.user_model.content_matcher import mean_match

Scorer = Callable[[Sequence["PreparedQuery"]], FloatArray]
"""Function from some requests to the scores of their candidates [N], request by request.

Trees score many requests in little more time than one. A scorer must not read the engine's state, which has moved
on since the requests were prepared.
"""

TEXT_FREE = "reranker_without_content"
"""Text-free trees: they see the other candidates, but no feature of the articles' text."""

POINTWISE = "reranker_of_many"
"""Pointwise trees of all seeds: they see each candidate separately, and rank more than a slate."""

BY_VALUE = "feeds_by_value"
"""Ranking of feeds by utility: value of the reading less the price of its minutes, not by clicks."""

NETWORK = "nrms"
"""The preference network only."""

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing about: behind all others, ties broken at random."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Prepared request as input of a system. vectors [n, d] are zero where there is none."""

    request: RankRequest
    prepared: Prepared
    vectors: FloatArray


def systems(
    ranker: Ranker,
    text_free: Ranker | None,
    feed_ranker: Ranker | None = None,
    value: Ranker | None = None,
    pointwise_ranker: Ranker | None = None,
) -> Mapping[str, Scorer]:
    """Return name → scorer, the full system last, without the rows whose ranker is None."""
    table: dict[str, Scorer] = {
        "random": one_by_one(
            lambda queries: seeded_by(queries.request.request_id).random(len(queries.prepared.context))
        ),
        "newest": lambda queries: -_column(queries, "age"),
        "popular": lambda queries: _column(queries, "clicks_4h"),
        "popular_ctr": lambda queries: _column(queries, "ctr_4h"),
        "content": one_by_one(_content),
        NETWORK: lambda queries: _column(queries, "preference"),
    }
    rankers = {
        TEXT_FREE: text_free,
        FEED_RANKER: feed_ranker,
        BY_VALUE: value,
        POINTWISE: pointwise_ranker,
        FULL_SYSTEM: ranker,
    }
    return table | {name: ranked_by(each) for name, each in rankers.items() if each is not None}


def one_by_one(score: Callable[[PreparedQuery], FloatArray]) -> Scorer:
    """Return a scorer of many requests from a function for one request."""
    return lambda queries: np.concatenate([score(each) for each in queries])


def ranked_by(ranker: Ranker) -> Scorer:
    """Return a scorer that uses `ranker`."""
    return lambda queries: ranker.score(_features(queries))


def known(scores: FloatArray) -> FloatArray:
    """Replace NaN scores by `UNKNOWN_SCORE`."""
    return np.where(np.isnan(scores), UNKNOWN_SCORE, scores)


def _column(queries: Sequence[PreparedQuery], name: str) -> FloatArray:
    return _features(queries)[:, ALL_FEATURES.names.index(name)]


def _features(queries: Sequence[PreparedQuery]) -> FloatArray:
    return np.concatenate([each.prepared.features for each in queries])


def _content(queries: PreparedQuery) -> FloatArray:
    reads = queries.prepared.reads
    return mean_match(reads, queries.vectors.astype(np.float32)) if len(reads) else np.zeros(len(queries.vectors))
