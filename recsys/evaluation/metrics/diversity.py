"""Intra-list diversity."""

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.scored_slates import Floats, Ints


def intra_list_diversity(top: Ints, vectors: NDArray[np.floating]) -> Floats:
    """Mean pairwise cosine distance within each list (Smyth and McClave 2001; Ziegler et al. 2005).

    With unit vectors the sum over all pairs follows from the length of the list's sum, so the cost is linear
    in k. Articles whose vector is zero (none known) are left out of their list.

    Args:
        top: int64 [S, k], rows of `vectors`, −1 where a list is shorter.
        vectors: float [articles, d], of any length.

    Returns:
        float64 [S] in 0..2; NaN where fewer than two articles with a vector are left.
    """
    shown, places = np.unique(top, return_inverse=True)  # of all articles, few are in any list
    units = np.zeros((len(shown), vectors.shape[1]))  # "no article" is a zero vector too
    units[shown >= 0] = _units(vectors[shown[shown >= 0]])
    known = np.any(units, axis=1)
    sums = np.zeros((len(top), units.shape[1]))
    for place in range(top.shape[1]):
        sums += units[places[:, place]]
    count = known[places].sum(axis=1).astype(np.float64)
    pairs = count * (count - 1)
    similarity = (np.square(sums).sum(axis=1) - count) / np.maximum(pairs, 1)
    return np.where(pairs > 0, 1 - similarity, np.nan)


def _units(vectors: NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1), dtype=np.float64)
