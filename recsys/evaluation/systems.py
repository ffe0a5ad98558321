"""The systems of the results table: baselines, parts, and the whole. All score the same prepared requests."""

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
"""Scores of the candidates of some requests [N], one request after the other: trees take many for little more.

The state has moved on since they were prepared: a scorer that reads it would see what came later.
"""

TEXT_FREE = "reranker_without_content"
"""Trees that see the rivals, and never what an article is about."""

POINTWISE = "reranker_of_many"
"""Trees of all seeds that see each candidate alone: what orders more than a slate holds."""

BY_VALUE = "feeds_by_value"
"""What orders feeds: worth of the reading, less the price of its minutes. It aims at no click."""

NETWORK = "nrms"
"""The preference network alone."""

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing of: behind all others, ties broken at random."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A prepared request as a system sees it: vectors [n, d] are zero where there is none."""

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
    """Name → scorer, the full system last. A row whose ranker is None is left out."""
    table: dict[str, Scorer] = {
        "random": one_by_one(
            lambda asked: seeded_by(asked.request.request_id).random(len(asked.prepared.context))
        ),
        "newest": lambda asked: -_column(asked, "age"),
        "popular": lambda asked: _column(asked, "clicks_4h"),
        "popular_ctr": lambda asked: _column(asked, "ctr_4h"),
        "content": one_by_one(_content),
        NETWORK: lambda asked: _column(asked, "preference"),
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
    return np.concatenate([each.prepared.features for each in asked])


def _content(asked: PreparedQuery) -> FloatArray:
    reads = asked.prepared.reads
    return mean_match(reads, asked.vectors.astype(np.float32)) if len(reads) else np.zeros(len(asked.vectors))
