"""Last step of every search: exact scores, in an order that does not depend on the search method."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import Floats32, Hits

SCORE_TOLERANCE = 1e-5
"""Largest assumed error of a float32 inner product of unit vectors.

A candidate this close below the k-th best may still be among the k best, so searches pass it on to `best`.
"""


def best(query: NDArray[np.float64], ids: Sequence[str], vectors: Floats32, k: int) -> list[tuple[float, str]]:
    """Return the k best candidates as (score, id), ties by id.

    Scores are computed in double precision, one dot product per row: a matrix product would sum in an order that
    depends on the position of a vector, and equal vectors could differ in the last bit.

    Args:
        query: float64 [d].
        ids: c candidates.
        vectors: float32 [c, d], as stored.
        k: number of results.
    """
    scores = np.vecdot(vectors, query, dtype=np.float64).astype(np.float32)
    order = np.argsort(-scores, kind="stable")[: k + 1]
    ranked = scores[order]
    if (ranked[1:] == ranked[:-1]).any():  # equal scores are rare, but articles with one text have them
        tied = sorted(zip((-scores).tolist(), ids, strict=True))[:k]
        return [(-negated, id_) for negated, id_ in tied]
    return [(score, ids[place]) for score, place in zip(ranked[:k].tolist(), order[:k].tolist(), strict=True)]


def hits(found: Sequence[Sequence[tuple[float, str]]], k: int) -> Hits:
    """Collect the results of several queries, padding scores to [q, k] with −inf."""
    scores = np.full((len(found), k), -np.inf, dtype=np.float32)
    for row, ranked in enumerate(found):
        scores[row, : len(ranked)] = [score for score, _ in ranked]
    return Hits([[id_ for _, id_ in ranked] for ranked in found], scores)
