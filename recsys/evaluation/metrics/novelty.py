"""Novelty: how unexpected the shown articles are to an average reader."""

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.scored_slates import Floats, Ints


def novelty(top: Ints, popularity: NDArray[np.floating]) -> Floats:
    """Mean self-information −log2(popularity share) of each list, in bits (Zhou et al. 2010).

    One is added to every count, so that an article nobody clicked has a finite share.

    Args:
        top: int64 [S, k], places in `popularity`, −1 where a list is shorter.
        popularity: float [articles], clicks (≥ 0) known before the lists were made.

    Returns:
        float64 [S]; NaN for an empty list.
    """
    smoothed = popularity.astype(np.float64) + 1
    bits = np.append(-np.log2(smoothed / smoothed.sum()), 0.0)  # place −1 stands for "no article"
    count = (top >= 0).sum(axis=1)
    return np.where(count > 0, bits[top].sum(axis=1) / np.maximum(count, 1), np.nan)
