"""Topic calibration: does a list mirror the reader's own mix of topics?"""

import numpy as np

from recsys.evaluation.scored_slates import Floats, Ints

SMOOTHING = 0.01


def topic_divergence(mix: Floats, topics: Ints) -> Floats:
    """Kullback-Leibler divergence of each list's topics from the reader's own mix (Steck 2018), in nats.

    KL(p ‖ q̃) with p the reader's mix, q the list's shares, and q̃ = (1 − 0.01)·q + 0.01·p, so that a topic the
    list lacks costs much but not infinitely much. 0 is perfect calibration.

    Args:
        mix: float64 [S, T] ≥ 0, the reader's past weight per topic, of any sum.
        topics: int64 [S, k], topic of each listed article, −1 where unknown or where the list is shorter.

    Returns:
        float64 [S]; NaN where the reader has no past or the list no topic.
    """
    p, q = _shares(mix), _shares(_counts(topics, mix.shape[1]))
    smoothed = (1 - SMOOTHING) * q + SMOOTHING * p
    held = p > 0
    ratio = np.divide(p, smoothed, out=np.ones_like(p), where=held)
    divergence = np.sum(p * np.log(ratio), axis=1)
    known = held.any(axis=1) & (topics >= 0).any(axis=1)
    # Rounding can leave −1e-17 for a perfect match; a divergence is never negative.
    return np.where(known, np.maximum(divergence, 0.0), np.nan)


def _counts(topics: Ints, width: int) -> Floats:
    rows, places = np.nonzero(topics >= 0)
    cells = rows * width + topics[rows, places]
    return np.bincount(cells, minlength=len(topics) * width).reshape(len(topics), width).astype(np.float64)


def _shares(weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1), dtype=np.float64)
