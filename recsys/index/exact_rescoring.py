"""Last step of every search: exact scores, in an order that does not depend on the search method."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import Floats32, Hits

SCORE_TOLERANCE = 1e-5
"""Largest assumed error of a float32 inner product of unit vectors.

A candidate this close below the k-th best may still be among the k best, so searches pass it on to `best`.
"""


_CERTAIN_GAP = 2 * SCORE_TOLERANCE + 1e-6
"""Candidates whose float32 scores lie further apart have exact scores in the same order, also when rounded."""


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
    scores = _exact_scores(query, vectors)
    order = np.argsort(-scores, kind="stable")[: k + 1]
    ranked = scores[order]
    if (ranked[1:] == ranked[:-1]).any():  # equal scores are rare, but articles with one text have them
        tied = sorted(zip((-scores).tolist(), ids, strict=True))[:k]
        return [(-negated, id_) for negated, id_ in tied]
    return [(score, ids[place]) for score, place in zip(ranked[:k].tolist(), order[:k].tolist(), strict=True)]


def best_places(
    query: NDArray[np.float64],
    approximate: Floats32,
    k: int,
    entries: Callable[[NDArray[np.intp]], tuple[Sequence[str], Floats32]],
) -> NDArray[np.intp]:
    """Return the places of the k best candidates in the order of `best`; only near ties need exact scores.

    Args:
        query: float64 [d].
        approximate: float32 scores [c], largest first, each within `SCORE_TOLERANCE` of the exact one.
        k: number of results, at most c.
        entries: returns the ids and the stored vectors, float32 [m, d], of the candidates at m places.
    """
    is_tied = np.zeros(len(approximate) + 1, dtype=np.bool_)  # with the candidate before
    is_tied[1:-1] = approximate[:-1] - approximate[1:] <= _CERTAIN_GAP
    end = k + int(np.argmin(is_tied[k:]))  # those tied with the k-th one may take its place
    places = np.arange(end)
    tied = np.flatnonzero(is_tied[:end] | is_tied[1 : end + 1])
    if len(tied):
        run = np.cumsum(~is_tied[:end])[tied]
        ids, vectors = entries(tied)
        keys = zip(run.tolist(), (-_exact_scores(query, vectors)).tolist(), ids, tied.tolist(), strict=True)
        places[tied] = [key[-1] for key in sorted(keys)]
    return places[:k]


def hits(found: Sequence[Sequence[tuple[float, str]]], k: int) -> Hits:
    """Collect the results of several queries, padding scores to [q, k] with −inf."""
    scores = np.full((len(found), k), -np.inf, dtype=np.float32)
    for row, ranked in enumerate(found):
        scores[row, : len(ranked)] = [score for score, _ in ranked]
    return Hits([[id_ for _, id_ in ranked] for ranked in found], scores)


def _exact_scores(query: NDArray[np.float64], vectors: Floats32) -> Floats32:
    return np.asarray(np.vecdot(vectors, query, dtype=np.float64), dtype=np.float32)
