"""Normalised discounted cumulative gain, per impression."""

import numpy as np

from recsys.evaluation.scored_slates import MAX_LABEL, Floats, Ints, ScoredSlates


def ndcg(slates: ScoredSlates, k: int) -> Floats:
    """nDCG@k with gain 1 for a click and discount 1 / log2(rank + 1) (Järvelin and Kekäläinen 2002).

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    gained = slates.total(_discounts(slates.ranks, k) * slates.clicked)
    return slates.judged(gained / _at_least_tiny(_best(slates.clicks, k)))


def read_weighted_ndcg(slates: ScoredSlates, k: int) -> Floats:
    """nDCG@k with the graded label as linear gain, so that a deep read is worth three bounces.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    gained = slates.total(_discounts(slates.ranks, k) * slates.labels)
    return slates.judged(gained / _at_least_tiny(_best_graded(slates, k)))


def _discounts(ranks: Ints, k: int) -> Floats:
    return np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)


def _best(relevant: Ints, k: int) -> Floats:
    """DCG@k of a ranking that puts `relevant` candidates of gain 1 first."""
    cumulated = np.concatenate(([0.0], np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1.0))))
    return np.asarray(cumulated[np.minimum(relevant, k)], dtype=np.float64)


def _best_graded(slates: ScoredSlates, k: int) -> Floats:
    """DCG@k of the best ranking by label.

    A linear gain g is g candidates of gain 1 stacked on each other, and the best ranking has those of label
    ≥ 1 first, within them those of label ≥ 2, and so on: the ideal is a sum over thresholds, with no sort.
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
    """Keep slates without a click from dividing by zero; they are blanked afterwards."""
    return np.maximum(values, np.finfo(np.float64).tiny)
