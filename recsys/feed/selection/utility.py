"""Scores of a ranker → what an article is worth against the minutes it takes: positive, rising with the score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Utility = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_LITTLE = 0.01
"""Articles: what is worth less than the minutes it takes still beats an empty place."""


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """``1 / (1 + exp(−(slope · score + intercept)))``: Platt's fit of a bundle."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chances [n] of scores [n]."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.intercept, -30, 30))))


def softplus_utility(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores [n] of `ranking.expected_utility` as they are, but those below zero little more than nothing."""
    return np.asarray(_LITTLE * np.logaddexp(0.0, scores / _LITTLE))
