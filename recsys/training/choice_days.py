"""More days to choose the ranker on, for small logs: one validation slice of a few dozen slates decides little.

Each of the last days before the validation slice is scored by rankers that were trained on the slates before it,
with the validated share of the correction. Their AUCs are pooled with those of the validation slice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.evaluation import metrics
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints, ScoredSlates
from recsys.evaluation.systems import FULL_SYSTEM, NETWORK, POINTWISE, TEXT_FREE
from recsys.models.served_ranker import BLEND, UNTRAINED
from recsys.ranking import listwise_correction, tie_break
from recsys.ranking.blend import UNTRAINED_SHARE, Blend
from recsys.ranking.column_ranker import COLUMN_RANKERS, CONTENT_MATCH
from recsys.ranking.features.feature_set import ALL_FEATURES, FeatureSet
from recsys.ranking.features.feature_set import TEXT_FREE as TEXT_FREE_FEATURES
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.listwise_correction import ListwiseRanker
from recsys.ranking.ranker import HeuristicRanker, Ranker
from recsys.training.ranker_training import PastSlates, Rerankers, as_served

FEW_SLATES = 2_000
"""From this number of slates on, the validation slice alone decides."""

MORE_DAYS = 3
LEAST_SLATES = 20
"""Smallest number of slates of a day, and before it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """AUC by slate [S] of the full ranker and of each part, as served, with the readers [S], on `days` days.

    NaN: not compared on that slate.
    """

    aucs: Mapping[str, Floats]
    readers: Ints
    days: int


def pooled_days(
    slates: PastSlates, validate_from: int, validated: Rerankers, config: LambdaMartConfig
) -> Evidence | None:
    """Return the evidence of the validation slice and of the days before it; None if the log is large.

    validated: the rankers of the validation slice; twice the same if text features are off.
    """
    if len(slates.at) >= FEW_SLATES:
        return None
    parts = [_aucs(validated, as_served(slates.since(validate_from)))]
    first = validate_from
    for _ in range(MORE_DAYS):
        early, late = slates.before(first - DAY), slates.between(first - DAY, first)
        if min(len(early.sizes), len(late.sizes)) < LEAST_SLATES:
            break
        first -= DAY
        held_out = as_served(late)
        text_free = _fitted(early, held_out, TEXT_FREE_FEATURES, config, validated.text_free)
        full = text_free
        if validated.full is not validated.text_free:
            full = _fitted(early, held_out, ALL_FEATURES, config, validated.full)
        aucs = _aucs(Rerankers(full, text_free), held_out)
        # the network of that day was trained for one pass only: it says nothing about the one that would serve
        parts.insert(0, {**aucs, NETWORK: np.full(len(late.sizes), np.nan)})
    pooled = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    readers = slates.readers[len(slates.readers) - len(pooled[FULL_SYSTEM]) :]
    return Evidence(pooled, readers, len(parts))


def with_blend(replayed: ReplayScores) -> ReplayScores:
    """Add the scores of the blend, before the full system's."""
    scores = dict(replayed.scores)
    full = scores.pop(FULL_SYSTEM)
    blend = (full + scores[TEXT_FREE]) / 2 + UNTRAINED_SHARE * scores[UNTRAINED]
    return replace(replayed, scores={**scores, BLEND: blend, FULL_SYSTEM: full})


def _fitted(
    early: RankingData,
    held_out: RankingData,
    features: FeatureSet,
    config: LambdaMartConfig,
    validated: ListwiseRanker,
) -> ListwiseRanker:
    return replace(listwise_correction.fit(early, held_out, features, config), share=validated.share)


def rankers_by_system(rankers: Rerankers) -> Mapping[str, Ranker]:
    """Return the full ranker and all parts that may serve, by name."""
    return {
        BLEND: Blend(rankers.full, rankers.text_free),
        FULL_SYSTEM: rankers.full,
        TEXT_FREE: rankers.text_free,
        POINTWISE: rankers.full.base,
        NETWORK: COLUMN_RANKERS[NETWORK],
        CONTENT_MATCH: COLUMN_RANKERS[CONTENT_MATCH],
        UNTRAINED: HeuristicRanker(),
    }


def _aucs(rankers: Rerankers, data: RankingData) -> Mapping[str, Floats]:
    systems = rankers_by_system(rankers)
    offsets = np.concatenate([[0], np.cumsum(data.sizes)]).astype(np.int64)
    hashes = np.random.default_rng(7).integers(2**63, size=len(data.labels)).astype(np.uint64)
    tie_order = np.argsort(tie_break.best_first(np.zeros(len(hashes)), data.features, hashes)).astype(np.int64)
    return {
        name: metrics.auc(_as_served(ranker.score(data.features), data, offsets, tie_order))
        for name, ranker in systems.items()
    }


def _as_served(scores: Floats, data: RankingData, offsets: Ints, tie_order: NDArray[np.int64]) -> ScoredSlates:
    ranked = ScoredSlates(scores, data.labels, offsets, tie_order=tie_order)
    return replace(ranked, scores=-ranked.ranks.astype(np.float64))
