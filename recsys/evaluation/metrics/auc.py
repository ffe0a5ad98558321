"""Area under the ROC curve, per impression."""

import numpy as np

from recsys.evaluation.scored_slates import Floats, Ints, ScoredSlates


def auc(slates: ScoredSlates) -> Floats:
    """Chance that a clicked candidate outscores one that was not; a tie counts half.

    From the rank sum of the clicked candidates (Mann and Whitney 1947; Hanley and McNeil 1982), with the mean
    rank for ties, so it does not depend on how ties are broken.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    clicks = slates.clicks.astype(np.float64)
    misses = slates.sizes - clicks
    ranks_from_worst = slates.sizes[slates.slate] + 1 - _tied_ranks(slates)
    wins = slates.total(ranks_from_worst * slates.clicked) - clicks * (clicks + 1) / 2
    return slates.judged(wins / np.maximum(clicks * misses, 1))


def _tied_ranks(slates: ScoredSlates) -> Floats:
    """Rank per row, 1 is best; rows of one slate with equal scores share the mean of their ranks."""
    order: Ints = slates.order
    scores, slate = slates.scores[order], slates.slate[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (scores[1:] != scores[:-1]) | (slate[1:] != slate[:-1])
    group = np.cumsum(starts) - 1
    ranks = slates.ranks[order]
    mean_rank = np.bincount(group, weights=ranks) / np.bincount(group) if len(group) else np.zeros(0)
    tied = np.empty(len(order), dtype=np.float64)
    tied[order] = mean_rank[group]
    return tied
