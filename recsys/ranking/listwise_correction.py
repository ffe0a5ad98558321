"""The listwise ranker: pointwise trees, corrected by trees that also see the other candidates."""

from dataclasses import dataclass, replace

import numpy as np

from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import FeatureSet
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray


@dataclass(slots=True)
class ListwiseRanker:
    """``base + share · correction``; the correction is trained on top of the base.

    List-wise percentiles help on logged slates, but they shift when candidates are added. So more than a slate's
    worth of candidates are ranked by `base`, and `share` is capped to keep a slate's order stable (decision 19).
    """

    base: LambdaMart
    correction: LambdaMart
    share: float = 1.0
    name: str = "slate"
    listwise: bool = True

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`."""
        return np.asarray(self.base.score(features) + self.share * self.correction.score(features))


def fit(
    train: RankingData, validation: RankingData, features: FeatureSet, config: LambdaMartConfig
) -> ListwiseRanker:
    """Fit both sets of trees on `train`, each stopped early on `validation`. The correction has its full share."""
    base = lambdamart.fit(train, validation, features.pointwise(), config)
    learning, stopping = _on_top(train, base), _on_top(validation, base)
    return ListwiseRanker(base, lambdamart.fit(learning, stopping, features, config))


def refit(
    data: RankingData, features: FeatureSet, config: LambdaMartConfig, validated: ListwiseRanker
) -> ListwiseRanker:
    """Fit as many trees as `validated` has on all of `data`."""
    base = lambdamart.refit(data, features.pointwise(), config, validated.base.trees)
    correction = lambdamart.refit(_on_top(data, base), features, config, validated.correction.trees)
    return ListwiseRanker(base, correction, validated.share)


def _on_top(data: RankingData, base: LambdaMart) -> RankingData:
    return replace(data, base=base.score(data.features))
