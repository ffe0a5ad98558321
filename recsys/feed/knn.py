"""Nearest articles to a reader's interests or to given articles, by the index of article vectors."""

from itertools import chain, zip_longest
from math import ceil

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import VectorIndex
from recsys.state.live_state import LiveState
from recsys.user_model.matcher import ReadHistory

_ALIKE = 0.995
"""Queries with a larger cosine find nearly the same: at least 0.88 of their 120 neighbours (docs/log/)."""

_DEEP_SECONDS = 30.0
_DEEP_READS = 3
_SPARE = 16
"""Extra neighbours to search for: the nearest to a reader's interest are often articles that were read already."""

_SHARED = 2
"""Search width per query, as a multiple of its share: several queries have neighbours in common."""

_WIDEN = 3
"""Factor of the search width after too few allowed articles were found."""


def distinct(queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the unit vectors `queries` [q, d] without near duplicates: each query costs a search.

    A network may learn interests that differ, but on one reader's history they often point the same way.
    """
    different: list[int] = []
    for place, alike_q in enumerate(queries @ queries.T > _ALIKE):
        if not alike_q[different].any():
            different.append(place)
    return queries[different]


def nearest(
    state: LiveState,
    index: VectorIndex | None,
    queries: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    count: int,
) -> NDArray[np.int64]:
    """Return the `count` nearest allowed articles: the best of each query, then each second best, and so on."""
    if index is None or not len(queries) or not len(index):
        return np.zeros(0, dtype=np.int64)
    found: list[int] = []
    rows = index.rows(state.articles)
    width = min(count, _SHARED * ceil(count / len(queries))) + _SPARE
    while len(found) < count:
        width = min(len(index), width)
        lists = [_allowed(rows[places], allowed) for places in index.nearest(queries, width)]
        # beyond the shortest list the order is unknown, until the whole index was searched
        depth = None if width == len(index) else min(map(len, lists))
        if depth is None:
            ranks = zip_longest(*lists)
            found = list(dict.fromkeys(row for rank in ranks for row in rank if row is not None))
            break
        found = list(dict.fromkeys(chain.from_iterable(zip(*(part[:depth] for part in lists), strict=True))))
        width *= _WIDEN
    return np.asarray(found[:count], dtype=np.int64)


def deep_reads(reads: ReadHistory) -> NDArray[np.float32]:
    """Return the vectors [k, d] of the last articles with a long dwell, newest first."""
    deep = np.flatnonzero(np.nan_to_num(reads.seconds) >= _DEEP_SECONDS)[::-1]
    return reads.vectors[deep[:_DEEP_READS]]


def _allowed(rows: NDArray[np.int64], allowed: NDArray[np.bool_]) -> list[int]:
    """Return those of `rows` [n] that are `allowed` [all]; negative ones are articles that the state lacks."""
    found: list[int] = rows[(rows >= 0) & allowed[rows]].tolist()
    return found
