"""LambdaMART (Burges 2010) by LightGBM, on graded labels grouped by request.

The scores of several seeds are averaged, so that rankings depend less on the random draw of rows and columns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import BundleError
from recsys.ranking.features.feature_set import ALL_FEATURES, FeatureSet
from recsys.ranking.lightgbm_import import lgb
from recsys.ranking.query import FloatArray

LEAST_TREES, MANY_SLATES = 100, 2_000
"""Smallest number of trees without a base, from this number of training slates on: see `fit`."""

SEED_SEPARATOR = "\n=== next seed ===\n"


@dataclass(frozen=True, slots=True)
class LambdaMartConfig:
    """Parameters of LightGBM."""

    trees: int = 600
    leaves: int = 15
    learning_rate: float = 0.05
    min_leaf: int = 50
    feature_fraction: float = 0.7
    bagging_fraction: float = 0.8
    l2: float = 5.0
    patience: int = 100
    seed: int = 7
    seeds: int = 1
    threads: int = 2

    def each_seed(self) -> "list[LambdaMartConfig]":
        """Return one configuration per seed."""
        return [replace(self, seed=self.seed + number, seeds=1) for number in range(self.seeds)]

    def parameters(self) -> dict[str, Any]:
        """Return the parameters in LightGBM's names. `deterministic` makes runs repeatable."""
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
    """Training requests: features [N, f] of all candidates, graded labels [N], candidates per request [q].

    base: scores [N] to which the trees are added; None for zero. weights: of candidates [N]; None for equal ones.
    """

    features: FloatArray
    labels: NDArray[np.int8]
    sizes: NDArray[np.int64]
    base: FloatArray | None = None
    weights: FloatArray | None = None


class LambdaMart:
    """Trees on the columns of one feature set, one booster per seed; `score` gets all features."""

    def __init__(self, boosters: Sequence[lgb.Booster], features: FeatureSet, name: str = "lambdamart") -> None:
        self.name = name
        self.listwise = features.listwise
        self._boosters = list(boosters)
        self._features = features
        self._columns = np.asarray(ALL_FEATURES.columns_of(features))

    def score(self, features: FloatArray) -> FloatArray:
        """Implement `Ranker.score`."""
        columns = features[:, self._columns]
        scores: FloatArray = self._boosters[0].predict(columns, num_threads=1)
        for booster in self._boosters[1:]:
            scores += booster.predict(columns, num_threads=1)
        return scores / len(self._boosters)

    @property
    def trees(self) -> int:
        """Number of trees per seed."""
        return int(self._boosters[0].num_trees())

    @property
    def seeds(self) -> int:
        """Number of seeds, whose scores are averaged."""
        return len(self._boosters)

    @property
    def first(self) -> "LambdaMart":
        """Model of the first seed only: faster by the number of seeds."""
        return LambdaMart(self._boosters[:1], self._features, self.name)

    def importance(self) -> dict[str, float]:
        """Return the total gain by feature name."""
        gains = np.sum([booster.feature_importance(importance_type="gain") for booster in self._boosters], axis=0)
        return dict(zip((ALL_FEATURES.names[i] for i in self._columns), gains.tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write all seeds in LightGBM's text format, with a separator."""
        path.write_text(SEED_SEPARATOR.join(booster.model_to_string() for booster in self._boosters))


def fit(train: RankingData, validation: RankingData, features: FeatureSet, config: LambdaMartConfig) -> LambdaMart:
    """Fit trees on `train`; stop when nDCG@10 on `validation` has not risen for `patience` rounds.

    The first seed sets the number of trees; the other seeds use the same number. With many slates the first rounds
    do not count, unless the trees correct a base: nDCG of a single day can peak by chance after four trees, whose
    few scores cannot order hundreds of articles, while the AUC still rises by 0.015.
    """
    training = _dataset(train, features)
    columns = ALL_FEATURES.columns_of(features)
    held_out = training.create_valid(
        validation.features[:, columns], validation.labels, group=validation.sizes, init_score=validation.base
    )
    from_scratch = train.base is None and len(train.sizes) >= MANY_SLATES
    stop = _stopping_from(min(LEAST_TREES, config.trees) if from_scratch else 1, config.patience)
    first, *others = config.each_seed()
    booster = lgb.train(first.parameters(), training, first.trees, valid_sets=[held_out], callbacks=[stop])
    best = lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    return LambdaMart([best, *_grown(training, others, best.num_trees())], features)


def _stopping_from(first: int, patience: int) -> Callable[[lgb.callback.CallbackEnv], None]:
    """Return early stopping that knows only the rounds from number `first` on, counted from 1."""
    stop = lgb.early_stopping(patience, verbose=False)

    def callback(env: lgb.callback.CallbackEnv) -> None:
        if env.iteration >= first - 1:
            stop(replace(env, begin_iteration=first - 1))

    return callback


def refit(data: RankingData, features: FeatureSet, config: LambdaMartConfig, trees: int) -> LambdaMart:
    """Fit a fixed number of trees, chosen on validation data, on all of `data`."""
    return LambdaMart(_grown(_dataset(data, features), config.each_seed(), trees), features)


def _grown(training: lgb.Dataset, seeds: Sequence[LambdaMartConfig], trees: int) -> list[lgb.Booster]:
    """Return a booster for each of `seeds`. All use one binned data set: binning takes as long as many trees."""
    return [lgb.train(seed.parameters(), training, trees) for seed in seeds]


def _dataset(data: RankingData, features: FeatureSet) -> lgb.Dataset:
    table, names = data.features[:, ALL_FEATURES.columns_of(features)], list(features.names)
    return lgb.Dataset(
        table, data.labels, weight=data.weights, group=data.sizes, init_score=data.base, feature_name=names
    )


def load(path: Path, features: FeatureSet, name: str = "lambdamart") -> LambdaMart:
    """Load the file that `LambdaMart.save` wrote.

    Raises:
        BundleError: the file is damaged, or its columns differ from those of `features`.
    """
    try:
        boosters = [lgb.Booster(model_str=part) for part in path.read_text().split(SEED_SEPARATOR)]
    except (OSError, lgb.basic.LightGBMError) as error:
        raise BundleError(f"ranker {path} cannot be read: {error}; train a new bundle") from error
    if any(booster.feature_name() != list(features.names) for booster in boosters):
        raise BundleError(f"ranker {path} was trained on other features: train a new bundle")
    return LambdaMart(boosters, features, name)
