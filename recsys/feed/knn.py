"""What lies near to a reader's interests, or to given articles, by the index of article vectors."""

from itertools import zip_longest
from math import ceil

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import VectorIndex
from recsys.state.live_state import LiveState
from recsys.user_model.matcher import ReadHistory

_ALIKE = 0.995
"""Queries of a larger cosine find nearly the same: 0.88 of their 120 neighbours and more (docs/log/)."""

_DEEP_SECONDS = 30.0
_DEEP_READS = 3
_SPARE = 16
"""Neighbours looked for beyond those wanted: the nearest to a reader's interest are what they read already."""

_SHARED = 2
"""Neighbours of several queries are looked for as if so many of them had each in common."""

_WIDEN = 3


def distinct(queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Those of unit vectors `queries` [q, d] that are like none kept before them: each costs a search.

    A network is free to learn interests that differ; on one reader's history they often point the same way.
    """
    kept: list[int] = []
    for place, alike_q in enumerate(queries @ queries.T > _ALIKE):
        if not alike_q[kept].any():
            kept.append(place)
    return queries[kept]


def nearest(
    state: LiveState,
    index: VectorIndex | None,
    queries: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    count: int,
) -> NDArray[np.int64]:
    """The `count` nearest allowed articles: the best of each query, then the second best of each, and so on."""
    if index is None or not len(queries) or not len(index):
        return np.zeros(0, dtype=np.int64)
    found: list[int] = []
    width = min(count, _SHARED * ceil(count / len(queries))) + _SPARE
    while len(found) < count:
        width = min(len(index), width)
        rows = [state.rows_of(ids) for ids in index.search(queries, width).ids]
        each = [part[allowed[part]].tolist() for part in rows]
        # how the turns go on behind the shortest list is not known before all was seen
        depth = None if width == len(index) else min(map(len, each))
        turns = zip_longest(*(part[:depth] for part in each))
        found = list(dict.fromkeys(row for turn in turns for row in turn if row is not None))
        if depth is None:
            break
        width *= _WIDEN
    return np.asarray(found[:count], dtype=np.int64)


def deep_reads(reads: ReadHistory) -> NDArray[np.float32]:
    """Vectors of the last articles that were read for long."""
    deep = np.flatnonzero(np.nan_to_num(reads.seconds) >= _DEEP_SECONDS)[::-1]
    return reads.vectors[deep[:_DEEP_READS]]
