"""Positive utilities from ranker scores, rising with the score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Utility = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SOFTNESS = 0.01
"""In articles: a negative utility is still better than an empty position."""


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """Click probability from a score, ``1 / (1 + exp(−(slope · score + intercept)))`` (Platt 1999)."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities [n] of scores [n]."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.intercept, -30, 30))))


def softplus_utility(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scores [n] of a utility ranker: identity above zero, near zero below."""
    return np.asarray(_SOFTNESS * np.logaddexp(0.0, scores / _SOFTNESS))
