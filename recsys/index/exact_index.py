"""Exact index by brute force in numpy: the reference for tests, and the fallback without FAISS."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from recsys.errors import BundleError
from recsys.index.exact_rescoring import SCORE_TOLERANCE, best, hits
from recsys.index.index_files import Header, check_fit, write_header
from recsys.index.place_rows import PlaceRows
from recsys.index.validation import check_k, entries, unit_vectors
from recsys.index.vector_index import DenseIds, Floats32, Hits, Places, Vectors

_FILE = "vectors.safetensors"
_CELLS_PER_BLOCK = 16_000_000  # scores in memory at once: 64 MB


class ExactIndex:
    """Index that compares a query with every article; 4 · dim bytes per article. See `VectorIndex`."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._ids: list[str] = []
        self._row: dict[str, int] = {}
        self._vectors: Floats32 = np.empty((0, dim), dtype=np.float32)  # grows by doubling
        self._rows = PlaceRows()

    @property
    def dim(self) -> int:
        """Return the length of the vectors."""
        return self._dim

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> list[str]:
        """Return the stored ids, sorted."""
        return sorted(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Implement `VectorIndex.add`."""
        names, units = entries(ids, vectors, self._dim)
        for name in names:
            if name not in self._row:
                self._row[name] = len(self._ids)
                self._ids.append(name)
        self._reserve(len(self._ids))
        self._vectors[[self._row[name] for name in names]] = units

    def remove(self, ids: Sequence[str]) -> int:
        """Implement `VectorIndex.remove`. The last row moves into the gap."""
        stored = [id_ for id_ in dict.fromkeys(ids) if id_ in self._row]
        if stored:
            self._rows.clear()
        for id_ in stored:
            row, last = self._row.pop(id_), self._ids.pop()
            if last != id_:
                self._ids[row], self._row[last] = last, row
                self._vectors[row] = self._vectors[len(self._ids)]
        return len(stored)

    def search(self, queries: Vectors, k: int) -> Hits:
        """Implement `VectorIndex.search` exactly."""
        check_k(k)
        units = unit_vectors(queries, self._dim)
        ranked = []
        for query, scores in zip(units, self._scores(units.astype(np.float32)), strict=True):
            rows = _contenders(scores, k)
            ranked.append(best(query, [self._ids[row] for row in rows], self._vectors[rows], k))
        return hits(ranked, k)

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        """Implement `VectorIndex.nearest`."""
        found = self.search(queries, k).ids
        return [np.asarray([self._row[id_] for id_ in ids], dtype=np.int64) for ids in found]

    def rows(self, articles: DenseIds) -> NDArray[np.int64]:
        """Implement `VectorIndex.rows`."""
        return self._rows.of(self._ids, articles)

    def save(self, path: Path) -> None:
        """Write `index.json` and `vectors.safetensors`; see `VectorIndex.save`."""
        header = Header(kind="exact", structure="exact", dim=self._dim, ids=list(self._ids))
        write_header(path, header)
        save_file({"vectors": np.ascontiguousarray(self._vectors[: len(self)])}, path / _FILE)

    @classmethod
    def load(cls, path: Path, header: Header) -> Self:
        """Load an index written by `save`.

        Raises:
            BundleError: the file of vectors is missing or does not fit its header.
        """
        try:
            vectors = load_file(path / _FILE)["vectors"]
        except (OSError, KeyError, SafetensorError) as error:
            raise BundleError(f"the vectors of the index in {path} cannot be read: {error}") from error
        check_fit(path, header, *vectors.shape)
        index = cls(header.dim)
        index._ids = [id_ for id_ in header.ids if id_ is not None]
        index._row = {id_: row for row, id_ in enumerate(index._ids)}
        index._vectors = vectors
        return index

    def _reserve(self, rows: int) -> None:
        if rows > len(self._vectors):
            enlarged = np.zeros((max(rows, 2 * len(self._vectors)), self._dim), dtype=np.float32)
            enlarged[: len(self._vectors)] = self._vectors
            self._vectors = enlarged

    def _scores(self, queries: Floats32) -> Iterator[Floats32]:
        """Yield float32 scores [n] of each query, computed in blocks of queries."""
        stored = self._vectors[: len(self)]
        block = max(1, _CELLS_PER_BLOCK // max(len(self), 1))
        for start in range(0, len(queries), block):
            yield from queries[start : start + block] @ stored.T


def _contenders(scores: Floats32, k: int) -> list[int]:
    """Return the rows that may be among the k best once scores are exact."""
    if k >= len(scores):
        return list(range(len(scores)))
    worst = np.partition(scores, len(scores) - k)[len(scores) - k]
    rows: list[int] = np.flatnonzero(scores >= worst - SCORE_TOLERANCE).tolist()
    return rows
