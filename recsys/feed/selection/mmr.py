"""Maximal marginal relevance, MMR (Carbonell and Goldstein 1998): relevant items, unlike those above them."""

import numpy as np
from numpy.typing import NDArray


def best_first(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the places by score, largest first; ties keep the order of the candidates."""
    return np.argsort(-scores, kind="stable")


def mmr_order(
    scores: NDArray[np.float64], vectors: NDArray[np.float32], diversity: float, most: int
) -> NDArray[np.intp]:
    """Return the places [n]: the first `most` picked by MMR, the others by score.

    Each pick maximises ``(1 − diversity) · relevance − diversity · (largest cosine to the picked items)``. The
    relevance is the rank of the score scaled to [0, 1]; `vectors` [n, d] are unit vectors.
    """
    order = best_first(scores)
    if not diversity or len(order) < 2:
        return order
    relevance = np.empty(len(order))
    relevance[order] = np.linspace(1.0, 0.0, len(order))
    nearest, remaining = np.zeros(len(order)), np.ones(len(order), dtype=np.bool_)
    picked: list[int] = []
    while remaining.any() and len(picked) < most:
        utility = np.where(remaining, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        place = int(utility.argmax())
        picked.append(place)
        remaining[place] = False
        nearest = np.maximum(nearest, vectors @ vectors[place])
    return np.concatenate([np.asarray(picked, dtype=np.intp), order[remaining[order]]])
