"""Systems of the results table: baselines, parts and the full system. All score the same prepared requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from recsys.domain import RankRequest
from recsys.feed.query_builder import random_numbers
from recsys.models.model_loader import FEED_RANKER as FEED_RANKER
from recsys.models.model_loader import TrainedSystem
from recsys.models.served_ranker import BLEND as BLEND
from recsys.models.served_ranker import FULL_RANKER, UNTRAINED
from recsys.models.served_ranker import FULL_SYSTEM as FULL_SYSTEM
from recsys.models.served_ranker import POINTWISE as POINTWISE
from recsys.models.served_ranker import TEXT_FREE as TEXT_FREE
from recsys.ranking.blend import Blend
from recsys.ranking.column_ranker import COLUMN_RANKERS, CONTENT_MATCH
from recsys.ranking.column_ranker import NETWORK as NETWORK
from recsys.ranking.column_ranker import UNKNOWN_SCORE as UNKNOWN_SCORE
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import Candidates, FloatArray, Query
from recsys.ranking.ranker import HeuristicRanker, Ranker
from recsys.user_model.content_matcher import mean_match

Scorer = Callable[[Sequence["PreparedQuery"]], FloatArray]
"""Function from some requests to the scores of their candidates [N], request by request.

Trees score many requests in little more time than one. A scorer must not read the engine's state, which has moved
on since the requests were prepared.
"""

BY_UTILITY = "utility_ranker"
"""Ranking of feeds by utility: value of the reading less the price of its minutes, not by clicks."""

BASELINES = ("random", "newest", "popular", "popular_ctr", "content")
"""Systems that a trained one must not lose to."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Prepared request as input of a system. vectors [n, d] are zero where there is none."""

    request: RankRequest
    query: Query
    candidates: Candidates
    vectors: FloatArray

    @property
    def features(self) -> FloatArray:
        """Features [n, f] of the candidates."""
        assert self.candidates.features is not None
        return self.candidates.features


def systems(rankers: Mapping[str, Ranker]) -> Mapping[str, Scorer]:
    """Return name → scorer: the baselines, then `rankers` in the order given, the full system last.

    They can be pickled.
    """
    baselines: dict[str, Scorer] = {
        "random": one_by_one(_random),
        "newest": _newest,
        "popular": partial(_column, name="clicks_4h"),
        "popular_ctr": partial(_column, name="ctr_4h"),
        "content": one_by_one(_content),
        CONTENT_MATCH: ranked_by(COLUMN_RANKERS[CONTENT_MATCH]),
        UNTRAINED: ranked_by(HeuristicRanker()),
        NETWORK: ranked_by(COLUMN_RANKERS[NETWORK]),
    }
    return baselines | {name: ranked_by(ranker) for name, ranker in rankers.items()}


def rankers_of(system: TrainedSystem) -> Mapping[str, Ranker]:
    """Return the rankers of a bundle that get a row of the results table."""
    by_value = {} if system.value is None else {BY_UTILITY: system.value}
    full = {} if system.served.system == FULL_SYSTEM else {FULL_RANKER: system.full}
    return {
        TEXT_FREE: system.text_free,
        FEED_RANKER: system.click_ranker,
        **by_value,
        POINTWISE: system.full.base,
        BLEND: Blend(system.full, system.text_free),
        **full,
        FULL_SYSTEM: system.models.listwise,
    }


def one_by_one(score: Callable[[PreparedQuery], FloatArray]) -> Scorer:
    """Return a scorer of many requests from a function for one request."""
    return partial(_scored_each, score)


def ranked_by(ranker: Ranker) -> Scorer:
    """Return a scorer that uses `ranker`."""
    return partial(_ranked, ranker)


def fill_unknown(scores: FloatArray) -> FloatArray:
    """Replace NaN scores by `UNKNOWN_SCORE`."""
    return np.where(np.isnan(scores), UNKNOWN_SCORE, scores)


def _scored_each(score: Callable[[PreparedQuery], FloatArray], queries: Sequence[PreparedQuery]) -> FloatArray:
    return np.concatenate([score(each) for each in queries])


def _ranked(ranker: Ranker, queries: Sequence[PreparedQuery]) -> FloatArray:
    return ranker.score(_features(queries))


def _random(prepared: PreparedQuery) -> FloatArray:
    return random_numbers(prepared.query.request_id).random(len(prepared.candidates))


def _newest(queries: Sequence[PreparedQuery]) -> FloatArray:
    return -_column(queries, "age")


def _column(queries: Sequence[PreparedQuery], name: str) -> FloatArray:
    return _features(queries)[:, ALL_FEATURES.names.index(name)]


def _features(prepared: Sequence[PreparedQuery]) -> FloatArray:
    return np.concatenate([each.features for each in prepared])


def _content(prepared: PreparedQuery) -> FloatArray:
    reads = prepared.query.reads
    return (
        mean_match(reads, prepared.vectors.astype(np.float32)) if len(reads) else np.zeros(len(prepared.vectors))
    )
