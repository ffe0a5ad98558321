"""Vectors, index and links of all articles, made anew while answers go on with the former ones.

For 20,000 articles that takes seconds of work, so it happens without the lock of the engine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.vector_space import VectorSpace
from recsys.frames import where
from recsys.index.vector_index import VectorIndex
from recsys.projection.vector_table import VectorTable, find_all_links, replace_links, stored_vectors
from recsys.state.live_state import LiveState
from recsys.store.articles import ArticleChanges
from recsys.store.database import Database

NewIndex = Callable[[list[str], NDArray[np.float32]], VectorIndex]
"""Returns an index of ids (n) and their vectors [n, d]."""


@dataclass(frozen=True, slots=True, eq=False)
class RebuiltVectors:
    """Vectors of the articles stored up to `revision`, by the dense ids of `state`.

    index: None without any vector. links: pairs of articles on one news event [l, 2]. unencoded: articles without
    a vector of the encoder in use, or unknown to `state` (`frames.ARTICLES`).
    """

    state: LiveState
    table: VectorTable
    index: VectorIndex | None
    links: NDArray[np.int64]
    revision: int
    unencoded: pl.DataFrame

    def adopt_links(self) -> None:
        """Replace the links of the state by these."""
        replace_links(self.state, self.table, self.links)


def rebuild_vectors(
    database: Database,
    state: LiveState,
    catalogue: ArticleChanges,
    names: tuple[str, str],
    space: VectorSpace,
    new_index: NewIndex,
) -> RebuiltVectors:
    """Make vectors in `space` from those stored under the first of `names`, or else under the second.

    catalogue: all stored articles.
    """
    known = state.articles.lookup(catalogue.upserted["id"].to_list()) >= 0
    first = _stored(database, names[0], where(catalogue.upserted, known))
    others = _stored(database, names[1], first.missing)
    table, index = VectorTable(space), None
    for each in (first, others):
        table.put(state.articles.lookup(each.ids), each.vectors)
    ids = [*first.ids, *others.ids]
    if ids:
        index = new_index(ids, table.take(state.articles.lookup(ids)))
    unencoded = pl.concat([first.missing, where(catalogue.upserted, ~known)])
    return RebuiltVectors(state, table, index, find_all_links(state, table), catalogue.revision, unencoded)


class _Stored(NamedTuple):
    """Ids of articles (n), their vectors [n, d], and the articles without one."""

    ids: list[str]
    vectors: NDArray[np.float32]
    missing: pl.DataFrame


def _stored(database: Database, name: str, rows: pl.DataFrame) -> _Stored:
    present, vectors = stored_vectors(database, name, rows)
    return _Stored(where(rows, present)["id"].to_list(), vectors, where(rows, ~present))
