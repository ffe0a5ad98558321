"""Ranking metrics per impression, against the clicks or between two systems."""

import numpy as np

from recsys.evaluation.scored_slates import MAX_LABEL, Floats, Ints, ScoredSlates


def auc(slates: ScoredSlates) -> Floats:
    """Return the chance that a clicked candidate scores above one that was not clicked; a tie counts half.

    It follows from the rank sum of the clicked candidates (Mann and Whitney 1947; Hanley and McNeil 1982), with
    mean ranks for ties, so it does not depend on the tie-breaking.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    clicks = slates.clicks.astype(np.float64)
    misses = slates.sizes - clicks
    ranks_from_worst = slates.sizes[slates.slate] + 1 - _tied_ranks(slates)
    wins = slates.total(ranks_from_worst * slates.clicked) - clicks * (clicks + 1) / 2
    return slates.mask_invalid(wins / np.maximum(clicks * misses, 1))


def _tied_ranks(slates: ScoredSlates) -> Floats:
    """Return the rank per row, 1 is best; rows of one slate with equal scores share their mean rank."""
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


def mrr(slates: ScoredSlates) -> Floats:
    """Return the sum of the reciprocal ranks of the clicked candidates over their number.

    This is the definition of the MIND benchmark (Wu et al. 2020, `mrr_score` of its evaluation script): it counts
    every click, not only the first.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    return slates.mask_invalid(slates.total(slates.clicked / slates.ranks) / np.maximum(slates.clicks, 1))


def ndcg(slates: ScoredSlates, k: int) -> Floats:
    """Return nDCG@k with gain 1 for a click and discount 1 / log2(rank + 1) (Järvelin and Kekäläinen 2002).

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    gained = slates.total(_discounts(slates.ranks, k) * slates.clicked)
    return slates.mask_invalid(gained / _at_least_tiny(_best(slates.clicks, k)))


def read_weighted_ndcg(slates: ScoredSlates, k: int) -> Floats:
    """Return nDCG@k with the graded label as linear gain, so that a deep read counts as three bounces.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    gained = slates.total(_discounts(slates.ranks, k) * slates.labels)
    return slates.mask_invalid(gained / _at_least_tiny(_best_graded(slates, k)))


def _discounts(ranks: Ints, k: int) -> Floats:
    return np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)


def _best(relevant: Ints, k: int) -> Floats:
    """Return DCG@k of a ranking that puts `relevant` candidates of gain 1 first."""
    cumulated = np.concatenate(([0.0], np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1.0))))
    return np.asarray(cumulated[np.minimum(relevant, k)], dtype=np.float64)


def _best_graded(slates: ScoredSlates, k: int) -> Floats:
    """Return DCG@k of the best ranking by label.

    A linear gain g equals g candidates of gain 1 at the same rank, and the best ranking puts label ≥ 1 first,
    within them label ≥ 2, and so on. So the ideal is a sum over thresholds, without sorting.
    """
    counts = (
        np.bincount(slates.slate[slates.labels >= level], minlength=len(slates)).astype(np.int64)
        for level in range(1, MAX_LABEL + 1)
    )
    best = np.zeros(len(slates))
    for count in counts:
        best += _best(count, k)
    return best


def _at_least_tiny(values: Floats) -> Floats:
    """Avoid division by zero for slates without a click; they become NaN afterwards."""
    return np.maximum(values, np.finfo(np.float64).tiny)


def spearman(one: ScoredSlates, other: ScoredSlates) -> Floats:
    """Return the rank correlation within each slate, float64 [S].

    NaN for fewer than two candidates (Spearman 1904).

    Equal scores are ordered by the seeded key of the slates, so no ranks are tied.
    """
    squared_distance = one.total(np.square(one.ranks - other.ranks).astype(np.float64))
    size = one.sizes.astype(np.float64)
    max_distance = size * (np.square(size) - 1)
    return np.where(
        max_distance > 0, 1 - 6 * squared_distance / np.where(max_distance > 0, max_distance, 1), np.nan
    )


def top1_agreement(one: ScoredSlates, other: ScoredSlates) -> Floats:
    """Return 1 where both put the same candidate first, else 0, float64 [S]; NaN for fewer than two candidates."""
    agreed = one.total(((one.ranks == 1) & (other.ranks == 1)).astype(np.float64))
    return np.where(one.sizes > 1, agreed, np.nan)
