"""What orders a slate: trees that see each candidate alone, corrected by trees that see its rivals too."""

from dataclasses import dataclass, replace

import numpy as np

from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import FeatureSet
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig, RankingData
from recsys.ranking.ranking_context import FloatArray


@dataclass(slots=True)
class SlateRanker:
    """``alone + share·correction``, the correction grown on top of the other.

    Percentiles among the candidates tell much of a logged slate, and something else once more are added: so many
    are ranked by `alone`, and a slate is corrected only as far as it keeps its order among many
    (docs/decisions/0019).
    """

    alone: LambdaMart
    correction: LambdaMart
    share: float = 1.0
    name: str = "slate"
    listwise: bool = True

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`."""
        return np.asarray(self.alone.score(features) + self.share * self.correction.score(features))


def fit(
    train: RankingData, validation: RankingData, features: FeatureSet, config: LambdaMartConfig
) -> SlateRanker:
    """Both sets of trees on `train`, each stopped by `validation`; the whole of the correction counts."""
    alone = lambdamart.fit(train, validation, features.pointwise(), config)
    learnt, judged = _on_top(train, alone), _on_top(validation, alone)
    return SlateRanker(alone, lambdamart.fit(learnt, judged, features, config))


def refit(data: RankingData, features: FeatureSet, config: LambdaMartConfig, judged: SlateRanker) -> SlateRanker:
    """As many trees as `judged` has, on all of `data`."""
    alone = lambdamart.refit(data, features.pointwise(), config, judged.alone.trees)
    correction = lambdamart.refit(_on_top(data, alone), features, config, judged.correction.trees)
    return SlateRanker(alone, correction, judged.share)


def _on_top(data: RankingData, alone: LambdaMart) -> RankingData:
    return replace(data, base=alone.score(data.features))
