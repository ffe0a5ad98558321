"""Listwise ranker: pointwise trees, corrected by trees that also use the other candidates."""

from dataclasses import dataclass, replace

import numpy as np

from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import FeatureSet
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray


@dataclass(slots=True)
class ListwiseRanker:
    """Ranker ``base + share · correction``; the correction is trained on top of the base.

    Listwise percentiles help on logged slates, but they shift when candidates are added. So lists longer than a
    slate are ranked by `base` only, and `share` is capped to keep the order of a slate stable (decision 19).
    """

    base: LambdaMart
    correction: LambdaMart
    share: float = 1.0
    name: str = "slate"
    listwise: bool = True

    def score(self, features: FloatArray) -> FloatArray:
        """Implement `Ranker.score`."""
        return np.asarray(self.base.score(features) + self.share * self.correction.score(features))


def fit(
    train: RankingData, validation: RankingData, features: FeatureSet, config: LambdaMartConfig
) -> ListwiseRanker:
    """Fit both sets of trees on `train`, each stopped early on `validation`. The correction gets share 1."""
    base = lambdamart.fit(train, validation, features.pointwise(), config)
    training, held_out = _on_top(train, base), _on_top(validation, base)
    return ListwiseRanker(base, lambdamart.fit(training, held_out, features, config))


def refit(
    data: RankingData, features: FeatureSet, config: LambdaMartConfig, validated: ListwiseRanker
) -> ListwiseRanker:
    """Fit on all of `data`, with the numbers of trees of `validated`."""
    base = lambdamart.refit(data, features.pointwise(), config, validated.base.trees)
    correction = lambdamart.refit(_on_top(data, base), features, config, validated.correction.trees)
    return ListwiseRanker(base, correction, validated.share)


def _on_top(data: RankingData, base: LambdaMart) -> RankingData:
    return replace(data, base=base.score(data.features))
