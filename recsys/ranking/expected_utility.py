"""Expected utility of showing an article: expected reading utility less a price for the minutes it takes.

``score = P(click)^CERTAINTY · (E[utility | click] − price · E[minutes | click])``

The utility of a read is 0 for a bounce, half an article when part of it was read, one article when it was read
deeply (`labels.grading`). A list that maximises utility per minute maximises utility less a price per minute, for
one price (Dinkelbach 1967). A higher price selects shorter articles, and at some point lowers total reading; so
the price is a share of the utility that a minute of reading gave in the log. All parts are pointwise.

The outcome of a click is known worse than its probability: it is learned from the few candidates that were opened.
The best of hundreds of candidates would often be one whose outcome is overestimated. So the utility is shrunk
toward the mean of the log, and the probability weighs more than in a plain expectation: this gains clicks
and costs hardly any read utility (docs/log/simulated-readers.md).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.constants import MAX_READ_SECONDS
from recsys.errors import BundleError
from recsys.ranking.features.feature_set import ALL_FEATURES, FeatureSet
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.ranking.lightgbm_import import lgb
from recsys.ranking.query import FloatArray
from recsys.ranking.ranker import Ranker
from recsys.ranking.score_scaling import PlattScaling

READING_UTILITY = np.asarray([0.0, 0.0, 0.5, 1.0])
"""Utility of a read in articles, by label."""

CERTAINTY = 1.5
"""Exponent of the click probability; 1 would be the plain expectation."""

UTILITY_TRUST = 0.75
"""Weight of the expected utility of a candidate against the mean utility of a reading in the log."""

LONGEST_MINUTES = MAX_READ_SECONDS / 60
_MOST_TREES = 300


@dataclass(frozen=True, slots=True)
class ReadingRows:
    """Opened candidates: features [n, f], utility [n] in articles, and minutes [n]."""

    features: FloatArray
    utility: FloatArray
    minutes: FloatArray

    @classmethod
    def of(cls, features: FloatArray, labels: NDArray[np.int8], seconds: FloatArray) -> "ReadingRows":
        """Return the rows of all candidates [N] that were opened and read for a known time."""
        known = (labels > 0) & np.isfinite(seconds)
        table = features[known]
        table[:, ALL_FEATURES.names.index(POSITION)] = SERVING_POSITION
        return cls(table, READING_UTILITY[labels[known]], np.minimum(seconds[known] / 60, LONGEST_MINUTES))

    def __len__(self) -> int:
        return len(self.utility)

    @property
    def mean(self) -> float:
        """Mean utility of a read, in articles."""
        return float(self.utility.mean()) if len(self) else 0.0

    @property
    def rate(self) -> float:
        """Utility per minute, over all reads."""
        return float(self.utility.sum() / max(self.minutes.sum(), 1e-9))


class DwellRegressors:
    """Outcome of a click: expected utility and expected minutes, by separate trees."""

    def __init__(self, utility: lgb.Booster, minutes: lgb.Booster, features: FeatureSet) -> None:
        self._utility, self._minutes = utility, minutes
        self._columns = np.asarray(ALL_FEATURES.columns_of(features))

    def outcome(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the expected utility [n] of a click on each, in articles, 0 to 1, and its minutes [n]."""
        columns = np.ascontiguousarray(features[:, self._columns])  # the form of LightGBM: made once for both
        utility, minutes = (trees.predict(columns, num_threads=1) for trees in (self._utility, self._minutes))
        return np.asarray(utility), np.asarray(np.maximum(minutes, 0.0))

    def save(self, utility: Path, minutes: Path) -> None:
        """Write both models in LightGBM's text format."""
        utility.write_text(self._utility.model_to_string())
        minutes.write_text(self._minutes.model_to_string())

    @property
    def trees(self) -> tuple[int, int]:
        """Number of trees for utility, and for minutes."""
        return int(self._utility.num_trees()), int(self._minutes.num_trees())


def fit(
    train: ReadingRows, validation: ReadingRows, features: FeatureSet, config: LambdaMartConfig
) -> DwellRegressors:
    """Fit on `train`; stop early on `validation`."""

    def fit_trees(objective: str, target: str) -> lgb.Booster:
        training = _dataset(train, features, target)
        held_out = _dataset(validation, features, target, training)
        stop = lgb.early_stopping(config.patience, verbose=False)
        booster = lgb.train(
            _parameters(config, objective), training, _MOST_TREES, valid_sets=[held_out], callbacks=[stop]
        )
        return lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))

    return DwellRegressors(fit_trees("cross_entropy", "utility"), fit_trees("l2", "minutes"), features)


def refit(
    data: ReadingRows, features: FeatureSet, config: LambdaMartConfig, trees: tuple[int, int]
) -> DwellRegressors:
    """Fit the same numbers of trees on all of `data`."""
    utility, minutes = (
        lgb.train(_parameters(config, objective), _dataset(data, features, target), count)
        for objective, target, count in zip(("cross_entropy", "l2"), ("utility", "minutes"), trees, strict=True)
    )
    return DwellRegressors(utility, minutes, features)


def load(utility: Path, minutes: Path, features: FeatureSet) -> DwellRegressors:
    """Load the files that `DwellRegressors.save` wrote.

    Raises:
        BundleError: a file is damaged, or its columns differ from those of `features`.
    """
    try:
        boosters = [lgb.Booster(model_str=path.read_text()) for path in (utility, minutes)]
    except (OSError, lgb.basic.LightGBMError) as error:
        raise BundleError(f"trees {utility} or {minutes} cannot be read: {error}; train a new bundle") from error
    if any(booster.feature_name() != list(features.names) for booster in boosters):
        raise BundleError(f"trees {utility} or {minutes} were trained on other features: train a new bundle")
    return DwellRegressors(boosters[0], boosters[1], features)


@dataclass(slots=True)
class UtilityRanker:
    """Ranker by expected utility: click probability × (utility of the read − price of its minutes).

    clicks: ranker whose scores `probability` turns into click probabilities. price: utility, in articles, that one
    minute must give. mean: utility of a read in the log, toward which that of a candidate is shrunk.
    """

    clicks: Ranker
    probability: PlattScaling
    reading: DwellRegressors
    price: float
    mean: float
    name: str = "value"
    listwise: bool = False

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`. Unit: articles, less than the expectation by the exponent."""
        utility, minutes = self.reading.outcome(features)
        net = self.mean + UTILITY_TRUST * (utility - self.mean) - self.price * minutes
        return np.asarray(self.probability(self.clicks.score(features)) ** CERTAINTY * net)


def _parameters(config: LambdaMartConfig, objective: str) -> dict[str, Any]:
    own = {"objective": objective, "metric": objective, "seed": config.seed}
    ranking = ("eval_at", "label_gain", "lambdarank_truncation_level")
    parameters = {name: value for name, value in config.parameters().items() if name not in ranking}
    return {**parameters, **own}


def _dataset(
    data: ReadingRows, features: FeatureSet, target: str, reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    table = data.features[:, ALL_FEATURES.columns_of(features)]
    values = data.utility if target == "utility" else data.minutes
    return lgb.Dataset(table, values, reference=reference, feature_name=list(features.names))
