"""Metrics of the lists themselves: coverage, diversity, novelty, freshness and topic calibration."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.evaluation.scored_slates import Floats, Ints

SMOOTHING = 0.01


def coverage(top: Ints, catalogue: int) -> float:
    """Return the share of the catalogue in at least one list (Ge, Delgado-Battenfeld and Jannach 2010).

    Args:
        top: int64 [S, k], dense article ids, −1 where a list is shorter.
        catalogue: number of articles that could be shown.

    Returns:
        Share in 0..1; NaN for an empty catalogue.
    """
    if not catalogue:
        return float("nan")
    return len(np.unique(top[top >= 0])) / catalogue


def intra_list_diversity(top: Ints, vectors: NDArray[np.floating]) -> Floats:
    """Return the mean pairwise cosine distance within each list (Smyth and McClave 2001; Ziegler et al. 2005).

    For unit vectors, the sum over all pairs follows from the length of the list's sum, so the cost is linear in k.
    Articles with a zero vector (none known) are ignored.

    Args:
        top: int64 [S, k], rows of `vectors`, −1 where a list is shorter.
        vectors: float [articles, d], of any length.

    Returns:
        float64 [S] in 0..2; NaN for lists with fewer than two articles with a vector.
    """
    shown, rows = np.unique(top, return_inverse=True)  # only few of all articles are in any list
    units = np.zeros((len(shown), vectors.shape[1]))  # "no article" is a zero vector too
    units[shown >= 0] = _units(vectors[shown[shown >= 0]])
    known = np.any(units, axis=1)
    sums = np.zeros((len(top), units.shape[1]))
    for column in range(top.shape[1]):
        sums += units[rows[:, column]]
    count = known[rows].sum(axis=1).astype(np.float64)
    pairs = count * (count - 1)
    similarity = (np.square(sums).sum(axis=1) - count) / np.maximum(pairs, 1)
    return np.where(pairs > 0, 1 - similarity, np.nan)


def _units(vectors: NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1), dtype=np.float64)


def novelty(top: Ints, popularity: NDArray[np.floating]) -> Floats:
    """Return the mean self-information −log2(popularity share) of each list, in bits (Zhou et al. 2010).

    One is added to every count, so that an article without clicks has a finite value.

    Args:
        top: int64 [S, k], rows of `popularity`, −1 where a list is shorter.
        popularity: float [articles], clicks (≥ 0) known before the lists were made.

    Returns:
        float64 [S]; NaN for an empty list.
    """
    smoothed = popularity.astype(np.float64) + 1
    bits = np.append(-np.log2(smoothed / smoothed.sum()), 0.0)  # row −1 means "no article"
    count = (top >= 0).sum(axis=1)
    return np.where(count > 0, bits[top].sum(axis=1) / np.maximum(count, 1), np.nan)


def fresh_share(top: Ints, available_at: Ints, at: Ints, max_age: int = DAY) -> Floats:
    """Return the share of each list that became available at most `max_age` before the list was made.

    Args:
        top: int64 [S, k], rows of `available_at`, −1 where a list is shorter.
        available_at: int64 [articles], microseconds.
        at: int64 [S], when each list was made, microseconds.
        max_age: microseconds.

    Returns:
        float64 [S] in 0..1; NaN for an empty list.
    """
    listed = top >= 0
    age = at[:, None] - available_at[top]
    count = listed.sum(axis=1)
    return np.where(count > 0, (listed & (age <= max_age)).sum(axis=1) / np.maximum(count, 1), np.nan)


def topic_divergence(mix: Floats, topics: Ints) -> Floats:
    """Return the Kullback-Leibler divergence of each list's topics from the reader's mix (Steck 2018), in nats.

    KL(p ‖ q̃) with p the reader's mix, q the list's shares, and q̃ = (1 − 0.01)·q + 0.01·p, so that a missing
    topic has a large but finite cost. 0 is perfect calibration.

    Args:
        mix: float64 [S, T] ≥ 0, the reader's past weight per topic, with any sum.
        topics: int64 [S, k], topic of each listed article, −1 where unknown or where the list is shorter.

    Returns:
        float64 [S]; NaN if the reader has no past or the list no topic.
    """
    p, q = _shares(mix), _shares(_counts(topics, mix.shape[1]))
    smoothed = (1 - SMOOTHING) * q + SMOOTHING * p
    present = p > 0
    ratio = np.divide(p, smoothed, out=np.ones_like(p), where=present)
    divergence = np.sum(p * np.log(ratio), axis=1)
    known = present.any(axis=1) & (topics >= 0).any(axis=1)
    # rounding can give −1e-17 for a perfect match, but a divergence is never negative
    return np.where(known, np.maximum(divergence, 0.0), np.nan)


def _counts(topics: Ints, width: int) -> Floats:
    rows, columns = np.nonzero(topics >= 0)
    cells = rows * width + topics[rows, columns]
    return np.bincount(cells, minlength=len(topics) * width).reshape(len(topics), width).astype(np.float64)


def _shares(weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1), dtype=np.float64)
