"""Training of the utility model: value and duration of a reading, evaluated on the validation slice."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.evaluation import metrics
from recsys.evaluation.platt import Platt
from recsys.ranking import expected_utility
from recsys.ranking.expected_utility import DwellRegressors, ReadingRows, UtilityRanker
from recsys.ranking.features.feature_set import FeatureSet
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig
from recsys.ranking.query import FloatArray
from recsys.ranking.score_scaling import PlattScaling
from recsys.training.ranker_training import PastSlates

LEAST_READINGS = 50
"""Smallest number of readings, before and in the validation slice."""


@dataclass(frozen=True, slots=True)
class UtilityModelTrained:
    """Trained utility model: trees for the result of a click, the price of a minute, and validation metrics.

    mean: utility of a reading in the log. chance: click probability from the scores of the feed ranker.
    """

    reading: DwellRegressors
    price: float
    mean: float
    chance: Platt
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest: parameters of `ranker` besides the trees, and metrics."""
        odds = {"slope": self.chance.slope, "intercept": self.chance.intercept}
        return {"on": True, "price": self.price, "mean": self.mean, **odds, "validation": self.figures}

    def ranker(self, clicks: LambdaMart) -> UtilityRanker:
        """Return the feed ranker by utility, on top of one by clicks."""
        return UtilityRanker(
            clicks, PlattScaling(self.chance.slope, self.chance.intercept), self.reading, self.price, self.mean
        )


@dataclass(frozen=True, slots=True)
class UtilityModelSkipped:
    """Reason why feeds are ranked by clicks only."""

    why: str

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {"on": False, "why": self.why}


def train_utility(
    slates: PastSlates,
    validate_from: int,
    features: FeatureSet,
    config: LambdaMartConfig,
    share: float,
    chance: Platt,
) -> UtilityModelTrained | UtilityModelSkipped:
    """Train on readings before `validate_from`, then again with the same number of trees on all.

    `share`: price of a minute as a share of the mean utility of a minute of reading; `chance`: click probability
    by the scores of the feed ranker. Skipped if the probability does not rise with the score, because utility
    would invert its order, or if there are too few readings of known duration.
    """
    if chance.slope <= 0:
        return UtilityModelSkipped("the chance of a click does not rise with the score of the ranker of feeds")
    early, late, everything = slates.readings(0, validate_from), slates.readings(validate_from), slates.readings()
    if min(len(early), len(late)) < LEAST_READINGS or everything.rate <= 0:
        return UtilityModelSkipped("too little was read for a known time")
    validated = expected_utility.fit(early, late, features, config)
    reading = expected_utility.refit(everything, features, config, validated.trees)
    figures = {"readings": len(everything), "articles_a_minute": everything.rate, **_validation(validated, late)}
    return UtilityModelTrained(reading, share * everything.rate, everything.mean, chance, figures)


def _validation(trees: DwellRegressors, held_out: ReadingRows) -> dict[str, Any]:
    """Return correlation with the observed values and mean calibration gap, for utility and minutes."""
    utility, minutes = trees.outcome(held_out.features)
    read = held_out.utility > 0
    return {
        "worth_correlation": _correlation(utility, held_out.utility),
        "worth_gap": metrics.expected_calibration_error(utility, held_out.utility),
        "read_auc_of_worth": _auc(utility, read),
        "minutes_correlation": _correlation(minutes, held_out.minutes),
        "minutes_mean": [float(minutes.mean()), float(held_out.minutes.mean())],
    }


def _correlation(one: FloatArray, other: FloatArray) -> float | None:
    if one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _auc(scores: FloatArray, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> float | None:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores)) if 0 < positive.sum() < len(positive) else None
