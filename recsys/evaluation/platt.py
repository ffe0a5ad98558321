"""Score calibration: click probabilities from scores by a logistic curve (Platt 1999)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
