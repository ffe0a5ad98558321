"""Score calibration: click probabilities from scores by Platt's logistic fit (Platt 1999)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recsys.evaluation.systems import UNKNOWN_SCORE
from recsys.ranking.score_scaling import PlattScaling


@dataclass(frozen=True, slots=True)
class Platt:
    """Platt scaling ``p = 1 / (1 + exp(−(slope · score + intercept)))``; unknown scores get the base rate."""

    slope: float
    intercept: float
    base: float

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities [n] of scores [n]."""
        chances = PlattScaling(self.slope, self.intercept)(scores)
        return np.where(scores == UNKNOWN_SCORE, self.base, chances)


def fit_platt(scores: NDArray[np.float64], clicked: NDArray[np.bool_]) -> Platt:
    """Fit on scores [n] and clicks [n]; without both outcomes, return the base rate for all."""
    known = scores != UNKNOWN_SCORE
    base = float(clicked.mean()) if len(clicked) else 0.0
    values, outcomes = scores[known], clicked[known]
    spread = float(values.std()) if len(values) else 0.0
    if spread == 0 or outcomes.all() or not outcomes.any():
        odds = np.log(max(base, 1e-6) / max(1 - base, 1e-6))
        return Platt(0.0, float(odds), base)
    centre = float(values.mean())
    model = LogisticRegression(C=1e6).fit(((values - centre) / spread)[:, None], outcomes)
    slope = float(model.coef_[0, 0]) / spread
    return Platt(slope, float(model.intercept_[0]) - slope * centre, base)
