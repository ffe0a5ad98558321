"""Order of candidates by score. Ties are broken by interest match, then popularity, then a hash of the id."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray

_INTEREST, _POPULARITY = (ALL_FEATURES.names.index(name) for name in ("preference", "clicks_4h"))
_DIGITS = 6
"""The order of the candidates, and of the batches of a fold, changes only later digits."""


def best_first(scores: FloatArray, features: FloatArray, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the places of candidates [n] by score, best first.

    Args:
        scores: [n], larger is better.
        features: [n, f] of `feature_set.ALL_FEATURES`; unknown values come last among ties.
        hashes: `id_hash` of each candidate [n]: neither labels nor the order of arrival decide.
    """
    interest, popularity = (_unknown_last(features[:, column]) for column in (_INTEREST, _POPULARITY))
    return np.lexsort((hashes, -popularity, -interest, -scores))


def id_hash(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return a random number for each id [n]: that of `Catalog.tie_break_hash`, also for unknown articles."""
    digests = (hashlib.blake2b(id_.encode(), digest_size=8).digest() for id_ in ids)
    return np.fromiter((int.from_bytes(digest, "little") for digest in digests), dtype=np.uint64, count=len(ids))


def _unknown_last(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), -np.inf, np.round(values, _DIGITS))
