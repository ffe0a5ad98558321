"""FAISS structures of an index: flat and HNSW. Each stores vectors by position (0, 1, 2 …), and only appends."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import Floats32

faiss: Any = _faiss  # the stubs of FAISS lack the search parameters

GPU_LARGEST_K = 2_048  # limit of the selection kernels of FAISS on a GPU
HNSW_LINKS = 32
HNSW_BUILD_WIDTH = 80
HNSW_SEARCH_WIDTH = 128


class RawHits(NamedTuple):
    """Nearest positions of q queries: approximate scores, descending; position −1 where none was found."""

    scores: Floats32
    positions: NDArray[np.int64]


class Structure(Protocol):
    """Vectors by position, with a search by inner product."""

    name: str

    @property
    def size(self) -> int:
        """Return the number of vectors."""
        ...

    @property
    def dim(self) -> int:
        """Return the length of the vectors."""
        ...

    def add(self, vectors: Floats32) -> None:
        """Append float32 [n, d]."""
        ...

    def search(self, queries: Floats32, k: int, exhaustive: bool) -> RawHits:
        """Return the k nearest positions (k ≤ size); `exhaustive` compares with all vectors."""
        ...

    def vectors(self) -> Floats32:
        """Return all vectors by position, float32 [size, d]."""
        ...

    def vectors_at(self, positions: NDArray[np.int64]) -> Floats32:
        """Return the vectors at `positions` [n], float32 [n, d]."""
        ...

    def write(self, path: Path) -> None:
        """Write a FAISS file that can be read with or without a GPU."""
        ...


class _Faiss:
    def __init__(self, index: Any) -> None:
        self._index = index

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        return int(self._index.d)

    def add(self, vectors: Floats32) -> None:
        self._index.add(vectors)

    def vectors(self) -> Floats32:
        if not self.size:
            return np.empty((0, self._index.d), dtype=np.float32)
        return np.asarray(self._index.reconstruct_n(0, self.size))

    def vectors_at(self, positions: NDArray[np.int64]) -> Floats32:
        return np.asarray(self._index.reconstruct_batch(positions))

    def write(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))


class Flat(_Faiss):
    """Flat structure: compares with every vector, optionally on a GPU."""

    name = "flat"

    def __init__(self, index: Any, gpu: bool) -> None:
        # The resources own memory on the GPU and must outlive the index.
        self._resources = faiss.StandardGpuResources() if gpu else None
        super().__init__(faiss.index_cpu_to_gpu(self._resources, 0, index) if gpu else index)

    @classmethod
    def empty(cls, dim: int, gpu: bool) -> "Flat":
        """Return an empty structure for vectors of length `dim`."""
        return cls(faiss.IndexFlatIP(dim), gpu)

    def search(self, queries: Floats32, k: int, exhaustive: bool) -> RawHits:
        """Implement `Structure.search`; always exhaustive."""
        del exhaustive
        index = self._on_cpu() if k > GPU_LARGEST_K else self._index
        return RawHits(*index.search(queries, k))

    def write(self, path: Path) -> None:
        """Implement `Structure.write`."""
        faiss.write_index(self._on_cpu(), str(path))

    def _on_cpu(self) -> Any:
        return self._index if self._resources is None else faiss.index_gpu_to_cpu(self._index)


class Hnsw(_Faiss):
    """Navigable small-world graph (Malkov and Yashunin 2018)."""

    name = "hnsw"

    @classmethod
    def empty(cls, dim: int) -> "Hnsw":
        """Return an empty structure for vectors of length `dim`."""
        index = faiss.IndexHNSWFlat(dim, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = HNSW_BUILD_WIDTH
        return cls(index)

    def add(self, vectors: Floats32) -> None:
        """Implement `Structure.add` on one thread: with several, two builds would differ."""
        with _one_thread():
            self._index.add(vectors)

    def search(self, queries: Floats32, k: int, exhaustive: bool) -> RawHits:
        """Implement `Structure.search`; `exhaustive` bypasses the graph."""
        if exhaustive:
            return RawHits(*faiss.downcast_index(self._index.storage).search(queries, k))
        return RawHits(*self._index.search(queries, k, params=_search_width(max(HNSW_SEARCH_WIDTH, 2 * k))))


def read(path: Path, name: str, gpu: bool) -> Structure:
    """Load a structure written by `Structure.write`.

    Raises:
        RuntimeError: FAISS cannot read the file.
        KeyError: no structure has this `name`.
    """
    index = faiss.read_index(str(path))
    if name == Flat.name:
        return Flat(index, gpu)
    if name == Hnsw.name:
        return Hnsw(index)
    raise KeyError(name)


@lru_cache
def _search_width(width: int) -> Any:
    return faiss.SearchParametersHNSW(efSearch=width)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
