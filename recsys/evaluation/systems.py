"""The systems of the results table: baselines, parts, and the whole. All score the same prepared request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recsys.domain import RankRequest
from recsys.feed.engine import Prepared, seeded_by
from recsys.feed.trained import FULL as FULL
from recsys.feed.trained import OF_FEEDS
from recsys.preference.content import mean_match
from recsys.reranker.context import FloatArray
from recsys.reranker.features.schema import ALL_FEATURES
from recsys.reranker.ranker import Ranker

Scorer = Callable[["Asked"], FloatArray]

WITHOUT_CONTENT = "reranker_without_content"
"""Trees that never see what an article is about."""

BY_VALUE = "feeds_by_value"
"""What orders feeds: worth of the reading, less the price of its minutes. It aims at no click."""

NETWORK = "nrms"
"""The preference network alone."""

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing of: behind all others, ties broken at random."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prepared request as a system sees it: vectors [n, d] are zero where there is none."""

    request: RankRequest
    prepared: Prepared
    vectors: FloatArray


def systems(
    ranker: Ranker,
    without_content: Ranker | None,
    feed_ranker: Ranker | None = None,
    value: Ranker | None = None,
) -> Mapping[str, Scorer]:
    """Name → scorer, the full system last. A row whose ranker is None is left out."""
    table: dict[str, Scorer] = {
        "random": lambda asked: seeded_by(asked.request.request_id).random(len(asked.prepared.context)),
        "newest": lambda asked: -_feature(asked, "age"),
        "popular": lambda asked: _feature(asked, "clicks_4h"),
        "popular_ctr": lambda asked: _feature(asked, "ctr_4h"),
        "content": _content,
        NETWORK: lambda asked: _feature(asked, "preference"),
    }
    if without_content is not None:
        table[WITHOUT_CONTENT] = lambda asked: without_content.score(asked.prepared.features)
    if feed_ranker is not None:
        table[OF_FEEDS] = lambda asked: feed_ranker.score(asked.prepared.features)
    if value is not None:
        table[BY_VALUE] = lambda asked: value.score(asked.prepared.features)
    table[FULL] = lambda asked: ranker.score(asked.prepared.features)
    return table


def known(scores: FloatArray) -> FloatArray:
    """Scores without NaN."""
    return np.where(np.isnan(scores), UNKNOWN_SCORE, scores)


def _feature(asked: Asked, name: str) -> FloatArray:
    return asked.prepared.features[:, ALL_FEATURES.names.index(name)]


def _content(asked: Asked) -> FloatArray:
    reads = asked.prepared.reads
    return mean_match(reads, asked.vectors.astype(np.float32)) if len(reads) else np.zeros(len(asked.vectors))
