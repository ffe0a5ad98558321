"""Maximal marginal relevance (Carbonell and Goldstein 1998): the next item is good, and unlike those above."""

import numpy as np
from numpy.typing import NDArray


def best_first(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places by score, largest first; equal ones in the order of the candidates."""
    return np.argsort(-scores, kind="stable")


def mmr_order(
    scores: NDArray[np.float64], vectors: NDArray[np.float32], diversity: float, most: int
) -> NDArray[np.intp]:
    """Places [n]: the first `most` picked one by one, the rest by score.

    Picked is the largest ``(1 − diversity) · relevance − diversity · (largest cosine to what was picked)``. The
    relevance is the score's place among the candidates, in [0, 1], which needs no unit; `vectors` [n, d] are unit
    vectors.
    """
    order = best_first(scores)
    if not diversity or len(order) < 2:
        return order
    relevance = np.empty(len(order))
    relevance[order] = np.linspace(1.0, 0.0, len(order))
    nearest, left = np.zeros(len(order)), np.ones(len(order), dtype=np.bool_)
    picked: list[int] = []
    while left.any() and len(picked) < most:
        utility = np.where(left, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        place = int(utility.argmax())
        picked.append(place)
        left[place] = False
        nearest = np.maximum(nearest, vectors @ vectors[place])
    return np.concatenate([np.asarray(picked, dtype=np.intp), order[left[order]]])
