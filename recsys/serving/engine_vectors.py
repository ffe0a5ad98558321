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
    """Changes the vectors and the index of the engine of one process; all but `new_index` need its lock."""

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
        vectors = engine.vectors.space.apply(vectors)
        if engine.index is None:
            return replace(engine, index=self.new_index(ids, vectors))
        engine.index.add(ids, vectors)
        self._unsaved += len(ids)
        return engine

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

    def new_index(self, ids: list[str], vectors: NDArray[np.float32]) -> VectorIndex:
        """Return an index of `vectors` [n, d]; what it has in common with the saved one is not built again."""
        saved = self._saved.load(ids, vectors)
        if saved is None:
            index = CachedIndex(make_index(self._kind, vectors.shape[1], len(ids), self._device))
        else:
            found, present = saved
            index = CachedIndex(found)
            ids = [id_ for id_, is_present in zip(ids, present.tolist(), strict=True) if not is_present]
            vectors = vectors[~present]
        index.add(ids, vectors)
        self._unsaved += len(ids)
        return index
