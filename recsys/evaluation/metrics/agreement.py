"""How far two rankings of the same slates agree."""

import numpy as np

from recsys.evaluation.scored_slates import Floats, ScoredSlates


def spearman(one: ScoredSlates, other: ScoredSlates) -> Floats:
    """Rank correlation within each slate, float64 [S]; NaN for fewer than two candidates (Spearman 1904).

    Equal scores are ordered by the seeded key of the slates, so no ranks are tied.
    """
    apart = one.total(np.square(one.ranks - other.ranks).astype(np.float64))
    size = one.sizes.astype(np.float64)
    most = size * (np.square(size) - 1)
    return np.where(most > 0, 1 - 6 * apart / np.where(most > 0, most, 1), np.nan)


def top1_agreement(one: ScoredSlates, other: ScoredSlates) -> Floats:
    """1 where both put the same candidate first, else 0, float64 [S]; NaN for fewer than two candidates."""
    agreed = one.total(((one.ranks == 1) & (other.ranks == 1)).astype(np.float64))
    return np.where(one.sizes > 1, agreed, np.nan)
