"""Index with a cache of results: readers of the same article search the same neighbours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import DenseIds, Hits, Places, VectorIndex, Vectors

MOST = 4_096
"""Cached results, about 2 kB each for a feed. The cache is cleared when it exceeds this number."""

_Query = tuple[bytes, int]
"""A query vector as bytes, and k."""


class CachedIndex:
    """Index that caches what `inner.nearest` finds until an article is added or removed; see `VectorIndex`."""

    def __init__(self, inner: VectorIndex) -> None:
        self._inner = inner
        self._cache: dict[_Query, Places] = {}

    @property
    def dim(self) -> int:
        """Return the length of the vectors."""
        return self._inner.dim

    def __len__(self) -> int:
        return len(self._inner)

    def ids(self) -> list[str]:
        """Return the stored ids, sorted."""
        return self._inner.ids()

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Implement `VectorIndex.add`."""
        self._cache = {}
        self._inner.add(ids, vectors)

    def remove(self, ids: Sequence[str]) -> int:
        """Implement `VectorIndex.remove`."""
        self._cache = {}
        return self._inner.remove(ids)

    def search(self, queries: Vectors, k: int) -> Hits:
        """Implement `VectorIndex.search`; nothing is cached."""
        return self._inner.search(queries, k)

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        """Implement `VectorIndex.nearest`; only queries that are not cached are searched."""
        keys = [(query.tobytes(), k) for query in queries]
        results = {key: self._cache[key] for key in keys if key in self._cache}
        new = [position for position, key in enumerate(keys) if key not in results]
        if not keys:
            return self._inner.nearest(queries, k)
        if new:
            fresh = self._inner.nearest(queries[new], k)
            results |= self._keep([keys[position] for position in new], fresh)
        return [results[key] for key in keys]

    def rows(self, articles: DenseIds) -> NDArray[np.int64]:
        """Implement `VectorIndex.rows`."""
        return self._inner.rows(articles)

    def _keep(self, keys: Sequence[_Query], results: list[Places]) -> dict[_Query, Places]:
        for places in results:
            places.setflags(write=False)  # all later answers share them
        results_by_key = dict(zip(keys, results, strict=True))
        if len(self._cache) + len(results_by_key) > MOST:
            self._cache = {}
        self._cache |= results_by_key
        return results_by_key

    def save(self, path: Path) -> None:
        """Implement `VectorIndex.save`."""
        self._inner.save(path)
