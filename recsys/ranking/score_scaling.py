"""Positive utilities from ranker scores, rising with the score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Utility = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SOFTNESS = 0.01
"""In articles: a negative utility is still better than an empty position."""

_LINEAR_BELOW = -30.0
_SMALL = 1e-9


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


def worth(utility: Utility, scores: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return what articles with `scores` [n] are worth, 0 or more, to be compared by ratio.

    None for the scaling without a fit: its values have an order, but their ratios mean nothing. Those of
    `softplus_utility` mean little near 0: 0.002 and 0.001, where readers click on a few percent, become 0.008 and
    0.0075.
    """
    if utility == PlattScaling():
        return None
    return np.maximum(scores, 0.0) if utility is softplus_utility else utility(scores)


def with_log_odds(
    utility: Utility, scores: NDArray[np.float64], log_odds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the scores [n] whose utilities have `log_odds` [n] more log-odds; 0 leaves a score unchanged.

    The utility of a `PlattScaling` is a chance of a click. That of a utility ranker is an expected value in
    articles, from 0 to 1, and counts as the chance of one whole reading.
    """
    moved = log_odds != 0
    if not moved.any():
        return scores
    out = scores.astype(np.float64)
    if isinstance(utility, PlattScaling):
        out[moved] += log_odds[moved] / utility.slope
        return out
    scaled = scores[moved] / _SOFTNESS
    # far below zero softplus is exp, so log-odds add to the scaled score
    low = scaled < _LINEAR_BELOW
    chance = np.clip(_SOFTNESS * np.logaddexp(0.0, scaled), 1e-300, 1 - 1e-9)
    log_changed = -np.logaddexp(0.0, np.log1p(-chance) - np.log(chance) - log_odds[moved])
    raised = np.exp(log_changed) / _SOFTNESS
    # log(1 − exp(−raised)) is log(raised) for a small value, and stays finite where that underflows
    inverse = np.where(
        raised < _SMALL, log_changed - np.log(_SOFTNESS), np.log(-np.expm1(-np.maximum(raised, _SMALL)))
    )
    out[moved] = _SOFTNESS * np.where(low, scaled + log_odds[moved], raised + inverse)
    return out
