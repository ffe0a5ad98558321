"""Article vectors, aligned with the dense ids of the state; missing ones are encoded and stored."""

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import article_texts, text_hash
from recsys.encoder.body_reading import reads_bodies
from recsys.encoder.protocols import Encoded, Encoder, encode_parts
from recsys.encoder.vector_space import RAW, VectorSpace
from recsys.projection.news_events import ArticleVectors, find_links, link_news_events
from recsys.state.flat_arrays import grow
from recsys.state.live_state import LiveState
from recsys.store import article_vectors, attention_stats
from recsys.store.database import Connection, Database, without_timeout

CHUNK = 1_024
"""Texts encoded and committed together: the most work that a killed job repeats."""


class VectorTable:
    """Article vectors by dense article id, zero for articles without one.

    Args:
        space: the space of the vectors; raw ones that are put in are moved there.

    Attributes:
        matrix: the vectors [rows, d].
        on_axes: the same on the main axes of the space [rows, c]: short ones, to compare many.
        present: True for articles with a vector [rows].
    """

    def __init__(self, space: VectorSpace = RAW) -> None:
        self.space = space
        self.matrix: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self.on_axes: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self.present: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def put(self, rows: NDArray[np.integer], raw: NDArray[np.float32]) -> None:
        """Set the vectors of `rows` [n] from raw ones [n, d]."""
        if not len(rows):
            return
        vectors = self.space.apply(raw)
        on_axes = self.space.on_axes(vectors)
        if not self.matrix.shape[1]:
            self.matrix = np.zeros((0, vectors.shape[1]), dtype=np.float32)
            self.on_axes = np.zeros((0, on_axes.shape[1]), dtype=np.float32)
        self.reserve(int(rows.max()) + 1)
        self.matrix[rows] = vectors
        self.on_axes[rows] = on_axes
        self.present[rows] = True

    def drop(self, rows: NDArray[np.integer]) -> None:
        """Remove the vectors of `rows` [n]."""
        inside = rows[rows < len(self.present)]
        self.present[inside] = False
        self.matrix[inside] = 0
        self.on_axes[inside] = 0

    def reserve(self, rows: int) -> None:
        """Make room for row ids below `rows`."""
        self.matrix = grow(self.matrix, rows)
        self.on_axes = grow(self.on_axes, len(self.matrix))
        self.present = grow(self.present, len(self.matrix))

    def copy(self) -> "VectorTable":
        """Return a table of the same vectors that changes alone."""
        made = VectorTable(self.space)
        made.matrix, made.on_axes, made.present = self.matrix.copy(), self.on_axes.copy(), self.present.copy()
        return made

    def moved(self, new_rows: NDArray[np.int64]) -> "VectorTable":
        """Return a table with the vector of each row `r` at `new_rows[r]` [rows]; negative ones are left out."""
        made = VectorTable(self.space)
        rows = np.flatnonzero(self.present[: len(new_rows)])
        rows = rows[new_rows[rows] >= 0]
        if len(rows):
            made.matrix, made.on_axes = self.matrix[:0], self.on_axes[:0]
            made.reserve(int(new_rows[rows].max()) + 1)
            made.matrix[new_rows[rows]] = self.matrix[rows]
            made.on_axes[new_rows[rows]] = self.on_axes[rows]
            made.present[new_rows[rows]] = True
        return made

    def has(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return True for each of `rows` [n] that has a vector."""
        inside = rows < len(self.present)
        found = np.zeros(len(rows), dtype=np.bool_)
        found[inside] = self.present[rows[inside]]
        return found

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return vectors [n, d] of `rows` [n], zero for rows without one."""
        present = self.has(rows)
        found = np.zeros((len(rows), self.matrix.shape[1]), dtype=np.float32)
        found[present] = self.matrix[rows[present]]
        return found

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return vectors [n, d] of `rows` [n], which must all have one."""
        return np.asarray(self.matrix[rows])


def stored_vectors(
    database: Database, encoder: str, articles: pl.DataFrame
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return the mask of `articles` [n] with a stored vector of `encoder`, and these vectors [m, d] in order."""
    hashes = [text_hash(text) for text in article_texts(articles, reads_bodies(encoder))]
    with database.read() as connection, without_timeout(connection):
        known = article_vectors.load(connection, encoder, hashes)
    present = np.fromiter((h in known for h in hashes), dtype=np.bool_, count=len(hashes))
    return present, _stacked([known[h] for h in hashes if h in known])


def ensure_vectors(
    database: Database,
    encoder: Encoder,
    articles: pl.DataFrame,
    on_progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Return vectors [n, d] of `articles` (columns of `frames.ARTICLES`); encode and store missing ones.

    All are stored under one name, the encoder's name at the end. `on_progress(done, total)` counts encoded texts.

    Raises:
        EncoderError: the encoder cannot be loaded.
        WorkerError: a process that encodes died, again and again.
    """
    texts = article_texts(articles, reads_bodies(encoder.name))
    hashes = [text_hash(text) for text in texts]
    name = encoder.name
    with database.read() as connection, without_timeout(connection):
        known = article_vectors.load(connection, name, hashes)
    missing = [(h, text) for h, text in dict(zip(hashes, texts, strict=True)).items() if h not in known]
    starts = range(0, len(missing), CHUNK)
    parts = [[text for _, text in missing[start : start + CHUNK]] for start in starts]
    with closing(encode_parts(encoder, parts)) as encoded_parts:
        for start, encoded in zip(starts, encoded_parts, strict=True):
            part_hashes = [h for h, _ in missing[start : start + CHUNK]]
            with database.write() as connection:
                _save(connection, part_hashes, encoded)
            if encoder.name != name:
                # its breaker opened: vectors of two names must not be mixed, so all are read under the new name
                return ensure_vectors(database, encoder, articles, on_progress)
            known.update(zip(part_hashes, encoded.vectors[name], strict=True))
            if on_progress:
                on_progress(min(start + CHUNK, len(missing)), len(missing))
    return _stacked([known[h] for h in hashes])


def _save(connection: Connection, hashes: Sequence[str], encoded: Encoded) -> None:
    """Store the vectors and attention statistics of the texts with these hashes."""
    for name, vectors in encoded.vectors.items():
        article_vectors.save(connection, name, dict(zip(hashes, vectors, strict=True)))
    if encoded.attention is not None:
        attention_stats.save(connection, encoded.attention)


def _stacked(vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    # np.stack first gives each vector a second axis, which takes ten times as long for many
    return np.array(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)


def put_vectors(state: LiveState, table: VectorTable, rows: NDArray[np.integer], raw: NDArray[np.float32]) -> None:
    """Set vectors of `rows` [n] from raw ones [n, d], and link these articles with others on one news event."""
    table.put(rows, raw)
    _link(state, table, rows.astype(np.int64))


def drop_vectors(state: LiveState, table: VectorTable, rows: NDArray[np.integer]) -> None:
    """Remove the vectors of deleted articles `rows` [n], and find the links that others have in their place."""
    table.drop(rows)
    _link(state, table, np.zeros(0, dtype=np.int64))


def find_all_links(state: LiveState, table: VectorTable) -> NDArray[np.int64]:
    """Return the links [l, 2] of all articles of `table` on one news event; nothing changes."""
    return find_links(state.catalog, np.flatnonzero(table.present), _article_vectors(table))


def replace_links(state: LiveState, table: VectorTable, links: NDArray[np.int64]) -> None:
    """Replace the links of all articles of `table` by those that `find_all_links` found."""
    state.catalog.link(np.flatnonzero(table.present), links)
    _link(state, table, np.zeros(0, dtype=np.int64))


def _link(state: LiveState, table: VectorTable, rows: NDArray[np.int64]) -> None:
    link_news_events(state.catalog, rows, _article_vectors(table))


def _article_vectors(table: VectorTable) -> ArticleVectors:
    return ArticleVectors(table.matrix, table.on_axes, table.present, table.space)


def align_vectors(
    state: LiveState, articles: pl.DataFrame, raw: NDArray[np.float32], space: VectorSpace = RAW
) -> VectorTable:
    """Align raw vectors [n, d] of `articles` (n rows) with the dense ids of `state`, which must know them."""
    table = VectorTable(space)
    put_vectors(state, table, state.articles.lookup(articles["id"].to_list()), raw)
    return table
