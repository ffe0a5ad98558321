"""An index that remembers what it found: readers of one article ask for the same neighbours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recsys.index.vector_index import Floats32, Hits, VectorIndex, Vectors

MOST = 4_096
"""Answers kept, about 2 kB each for a feed; all are dropped when there are more."""

_Query = tuple[bytes, int]
"""A query, and how many are wanted."""

_Result = tuple[list[str], Floats32]
"""Ids and scores [k]."""


class CachedIndex:
    """`inner`, with its answers kept until an article comes or goes; see `VectorIndex` for the methods."""

    def __init__(self, inner: VectorIndex) -> None:
        self._inner = inner
        self._known: dict[_Query, _Result] = {}

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._inner.dim

    def __len__(self) -> int:
        return len(self._inner)

    def ids(self) -> list[str]:
        """The ids held, sorted."""
        return self._inner.ids()

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """See `VectorIndex.add`."""
        self._known = {}
        self._inner.add(ids, vectors)

    def remove(self, ids: Sequence[str]) -> int:
        """See `VectorIndex.remove`."""
        self._known = {}
        return self._inner.remove(ids)

    def search(self, queries: Vectors, k: int) -> Hits:
        """See `VectorIndex.search`; only queries that are new are looked for."""
        asked = [(query.tobytes(), k) for query in queries]
        found = {key: self._known[key] for key in asked if key in self._known}
        new = [place for place, key in enumerate(asked) if key not in found]
        if not asked:
            return self._inner.search(queries, k)
        if new:
            fresh = self._inner.search(queries[new], k)
            found |= self._keep([asked[place] for place in new], fresh)
        return Hits([list(found[key][0]) for key in asked], np.stack([found[key][1] for key in asked]))

    def _keep(self, asked: Sequence[_Query], found: Hits) -> dict[_Query, _Result]:
        answers = dict(zip(asked, zip(found.ids, found.scores, strict=True), strict=True))
        if len(self._known) + len(answers) > MOST:
            self._known = {}
        self._known |= answers
        return answers

    def save(self, path: Path) -> None:
        """See `VectorIndex.save`."""
        self._inner.save(path)
