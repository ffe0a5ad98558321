"""Training what tells how much a reading is worth and how long it takes, judged on the validation slice."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.evaluation import metrics
from recsys.evaluation.platt import Platt
from recsys.ranking import expected_utility
from recsys.ranking.expected_utility import DwellRegressors, ReadingRows, ValueRanker
from recsys.ranking.features.feature_set import FeatureSet
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig
from recsys.ranking.query import FloatArray
from recsys.ranking.score_scaling import PlattScaling
from recsys.training.ranker_training import PastSlates

LEAST_READINGS = 50
"""Fewer, before or in the validation slice, tell too little."""


@dataclass(frozen=True, slots=True)
class UtilityModelTrained:
    """Trees for what a click leads to, the price of a minute, and how well both were told on validation.

    chance: of a click, by the scores of the ranker by clicks.
    """

    reading: DwellRegressors
    price: float
    chance: Platt
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For the manifest: what `ranker` needs beside trees, and the figures."""
        odds = {"slope": self.chance.slope, "intercept": self.chance.intercept}
        return {"on": True, "price": self.price, **odds, "validation": self.figures}

    def ranker(self, clicks: LambdaMart) -> ValueRanker:
        """The ranker of feeds by value, on top of one by clicks."""
        return ValueRanker(
            clicks, PlattScaling(self.chance.slope, self.chance.intercept), self.reading, self.price
        )


@dataclass(frozen=True, slots=True)
class UtilityModelSkipped:
    """Why feeds go by clicks alone."""

    why: str

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {"on": False, "why": self.why}


def train_value(
    slates: PastSlates,
    validate_from: int,
    features: FeatureSet,
    config: LambdaMartConfig,
    share: float,
    chance: Platt,
) -> UtilityModelTrained | UtilityModelSkipped:
    """Fit on what was read before `validate_from`, then as many trees again on all.

    `share` of what a minute of reading gave is the price of one, `chance` that of a click by the scores of the
    ranker of feeds. Unvalued if that does not rise with the score, since value would then turn its order
    around, or if too little was read for a known time.
    """
    if chance.slope <= 0:
        return UtilityModelSkipped("the chance of a click does not rise with the score of the ranker of feeds")
    early, late, everything = slates.readings(0, validate_from), slates.readings(validate_from), slates.readings()
    if min(len(early), len(late)) < LEAST_READINGS or everything.rate <= 0:
        return UtilityModelSkipped("too little was read for a known time")
    judged = expected_utility.fit(early, late, features, config)
    reading = expected_utility.refit(everything, features, config, judged.trees)
    figures = {"readings": len(everything), "articles_a_minute": everything.rate, **_judged(judged, late)}
    return UtilityModelTrained(reading, share * everything.rate, chance, figures)


def _judged(trees: DwellRegressors, held_out: ReadingRows) -> dict[str, Any]:
    """Correlation with what came, and the mean gap between expected and observed in bins, of worth and minutes."""
    utility, minutes = trees.utility(held_out.features), trees.minutes(held_out.features)
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
