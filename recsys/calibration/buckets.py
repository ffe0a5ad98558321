"""Lengths of texts, in buckets: attention of a short text is not to be judged by that of long ones."""

import numpy as np
from numpy.typing import NDArray

EDGES = (8, 12, 16, 24, 32, 48, 64)
"""A text of at most this many tokens, special tokens included; the last bucket holds all longer ones."""

COUNT = len(EDGES) + 1


def bucket_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The bucket of each length, same shape, in [0, COUNT)."""
    return np.searchsorted(EDGES, lengths, side="left").astype(np.int64)


def label(bucket: int) -> str:
    """The lengths of a bucket, for people: ``9-12``, ``65+``."""
    low = 1 if bucket == 0 else EDGES[bucket - 1] + 1
    return f"{low}-{EDGES[bucket]}" if bucket < len(EDGES) else f"{low}+"
