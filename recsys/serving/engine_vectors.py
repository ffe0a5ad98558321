"""Vectors and index of a live engine. The index is saved, so that a restart need not build it again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.feed.engine import FeedEngine
from recsys.index.cached_index import CachedIndex
from recsys.index.index_factory import make_index
from recsys.index.vector_index import VectorIndex
from recsys.projection.vector_table import drop_vectors, put_vectors
from recsys.serving.saved_index import SavedIndex
from recsys.settings import Settings


class EngineVectors:
    """Changes the vectors and the index of the engine of one process; call with its lock held."""

    def __init__(self, settings: Settings) -> None:
        self._kind = settings.index
        self._device = settings.device
        self._saved = SavedIndex(settings.home / "index", settings.index, settings.device)
        self._unsaved = 0  # articles added or removed since the index was saved

    def add(self, engine: FeedEngine, articles: pl.DataFrame, vectors: NDArray[np.float32]) -> FeedEngine:
        """Add raw `vectors` [n, d] of `articles` (n rows); return `engine` with its index."""
        ids = articles["id"].to_list()
        if not ids:
            return engine
        rows = engine.state.articles.lookup(ids)
        known = rows >= 0  # an article may be deleted, and the log folded again, while it is encoded
        put_vectors(engine.state, engine.vectors, rows[known], vectors if known.all() else vectors[known])
        index, vectors = engine.index, engine.vectors.space.apply(vectors)
        if index is None:
            index, ids, vectors = self._new_index(ids, vectors)
        index.add(ids, vectors)
        self._unsaved += len(ids)
        return replace(engine, index=index)

    def remove(self, engine: FeedEngine, ids: Sequence[str]) -> None:
        """Remove the vectors of deleted articles; unknown ids are ignored."""
        rows = engine.state.articles.lookup(ids)
        drop_vectors(engine.state, engine.vectors, rows[rows >= 0])
        if engine.index is not None:
            self._unsaved += engine.index.remove(ids)

    def save(self, engine: FeedEngine, least_articles: int) -> None:
        """Save the index if at least so many articles were added or removed since the last time."""
        if engine.index is None or self._unsaved < least_articles:
            return
        rows = engine.state.articles.lookup(engine.index.ids())
        self._saved.save(engine.index, engine.vectors.take(rows))
        self._unsaved = 0

    def _new_index(
        self, ids: list[str], vectors: NDArray[np.float32]
    ) -> tuple[VectorIndex, list[str], NDArray[np.float32]]:
        """Return an index for `vectors` [n, d], from disk if one was saved, and the ids and vectors it lacks."""
        saved = self._saved.load(ids, vectors)
        if saved is None:
            return CachedIndex(make_index(self._kind, vectors.shape[1], len(ids), self._device)), ids, vectors
        index, present = saved
        missing = [id_ for id_, is_present in zip(ids, present.tolist(), strict=True) if not is_present]
        return CachedIndex(index), missing, vectors[~present]
