"""LambdaMART (Burges 2010) by LightGBM, on graded labels grouped by request."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from recsys.errors import BundleError
from recsys.reranker.context import FloatArray
from recsys.reranker.features.schema import ALL_FEATURES, FeatureSet


@dataclass(frozen=True, slots=True)
class LambdaMartConfig:
    """LightGBM's parameters that matter here."""

    trees: int = 600
    leaves: int = 15
    learning_rate: float = 0.05
    min_leaf: int = 50
    feature_fraction: float = 0.7
    bagging_fraction: float = 0.8
    l2: float = 5.0
    patience: int = 40
    seed: int = 7
    threads: int = 2

    def parameters(self) -> dict[str, Any]:
        """As LightGBM takes them. `deterministic` makes two runs give the same trees."""
        return {
            "objective": "lambdarank",
            "metric": "ndcg",
            "eval_at": [10],
            "label_gain": [0, 1, 2, 3],
            "lambdarank_truncation_level": 20,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.threads,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True)
class RankingData:
    """Requests to learn from: features [N, f] of all candidates, graded labels [N], candidates per request [q]."""

    features: FloatArray
    labels: NDArray[np.int8]
    sizes: NDArray[np.int64]


class LambdaMart:
    """Trees over the columns of one feature set; `score` takes all features and picks its own."""

    def __init__(self, booster: lgb.Booster, features: FeatureSet, name: str = "lambdamart") -> None:
        self.name = name
        self.setwise = features.setwise
        self._booster = booster
        self._columns = ALL_FEATURES.columns_of(features)

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`."""
        scores: FloatArray = self._booster.predict(features[:, self._columns], num_threads=1)
        return scores

    @property
    def trees(self) -> int:
        """How many trees it has."""
        return int(self._booster.num_trees())

    def importance(self) -> dict[str, float]:
        """Total gain by feature name."""
        gains = self._booster.feature_importance(importance_type="gain")
        return dict(zip((ALL_FEATURES.names[i] for i in self._columns), gains.tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write LightGBM's text format."""
        path.write_text(self._booster.model_to_string())


def fit(train: RankingData, validation: RankingData, features: FeatureSet, config: LambdaMartConfig) -> LambdaMart:
    """Fit trees on `train`, stopping when nDCG@10 on `validation` has not grown for `patience` rounds."""
    learnt = _dataset(train, features)
    columns = ALL_FEATURES.columns_of(features)
    held_out = learnt.create_valid(validation.features[:, columns], validation.labels, group=validation.sizes)
    stop = lgb.early_stopping(config.patience, verbose=False)
    booster = lgb.train(config.parameters(), learnt, config.trees, valid_sets=[held_out], callbacks=[stop])
    kept = lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    return LambdaMart(kept, features)


def refit(data: RankingData, features: FeatureSet, config: LambdaMartConfig, trees: int) -> LambdaMart:
    """Grow a fixed number of trees on all of `data`: the number that validation chose on part of it."""
    booster = lgb.train(config.parameters(), _dataset(data, features), trees)
    return LambdaMart(booster, features)


def _dataset(data: RankingData, features: FeatureSet) -> lgb.Dataset:
    columns = ALL_FEATURES.columns_of(features)
    return lgb.Dataset(data.features[:, columns], data.labels, group=data.sizes, feature_name=list(features.names))


def load(path: Path, features: FeatureSet, name: str = "lambdamart") -> LambdaMart:
    """Read what `LambdaMart.save` wrote.

    Raises:
        BundleError: the file is damaged or its columns are not those of `features`.
    """
    try:
        booster = lgb.Booster(model_str=path.read_text())
    except (OSError, lgb.basic.LightGBMError) as error:
        raise BundleError(f"reranker {path} cannot be read: {error}") from error
    if booster.feature_name() != list(features.names):
        raise BundleError(f"reranker {path} was trained on other features: train a new bundle")
    return LambdaMart(booster, features, name)
