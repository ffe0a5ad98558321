"""Scores of a ranker → chances of a click, to weigh articles against the minutes they take."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClickChance:
    """``1 / (1 + exp(−(slope · score + intercept)))``: Platt's fit of a bundle."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chances [n] of scores [n]."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.intercept, -30, 30))))
