"""FAISS behind the port: append-only structures, made editable by tombstones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import BundleError
from recsys.index import faiss_backends
from recsys.index.exact_rescoring import SCORE_TOLERANCE, best, hits
from recsys.index.faiss_backends import Flat, Hnsw, Ivf, RawHits, Structure
from recsys.index.index_files import Header, check_fit, write_header
from recsys.index.validation import check_k, entries, unit_vectors
from recsys.index.vector_index import Floats32, Hits, Vectors
from recsys.settings import IndexKind

FLAT_LIMIT = 5_000  # above it `auto` on a CPU takes a graph
FLAT_LIMIT_GPU = 2_000_000  # 3 GB at 384 numbers a vector; a GPU compares with all of them in milliseconds
IVF_LEAST = 1_000  # with fewer there is nothing to learn cells from
IVF_GROWTH = 4  # cells are learnt anew when the index has grown this much
DEAD_SHARE = 0.2
MARGIN = 32  # places fetched beyond k, so that near-ties at the end can be ordered exactly
WIDEN = 8

_FILE = "vectors.faiss"
_NUMBERS_PER_BLOCK = 16_000_000  # numbers of vectors that one look brings back: 64 MB


class FaissIndex:
    """A FAISS structure chosen by kind and size; see `VectorIndex` for the methods.

    A graph cannot forget a vector, so removed and replaced ones stay as tombstones: searches fetch more and skip
    them, and the structure is built anew when more than a fifth of it is dead. All kinds work this way. A search
    whose first look does not settle (too many dead, or a tie at the end) looks again, leaving nothing out.
    """

    def __init__(self, kind: IndexKind, dim: int, expected_size: int = 0, gpu: bool = False) -> None:
        self._kind: IndexKind = kind
        self._dim = dim
        self._expected_size = expected_size
        self._gpu = gpu
        self._ids: list[str | None] = []
        self._place: dict[str, int] = {}
        self._live = np.zeros(0, dtype=np.bool_)
        self._structure = self._empty()

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._dim

    @property
    def structure(self) -> str:
        """What the index stands on now: flat, hnsw or ivf."""
        return self._structure.name

    def __len__(self) -> int:
        return len(self._place)

    def ids(self) -> list[str]:
        """The ids held, sorted."""
        return sorted(self._place)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store or replace; see `VectorIndex.add`."""
        names, units = entries(ids, vectors, self._dim)
        self._tombstone(names)
        self._append(names, units)
        self._compact()

    def remove(self, ids: Sequence[str]) -> int:
        """Forget; see `VectorIndex.remove`."""
        count = self._tombstone(ids)
        self._compact()
        return count

    def search(self, queries: Vectors, k: int) -> Hits:
        """The k nearest, approximately unless flat; see `VectorIndex.search`."""
        check_k(k)
        units = unit_vectors(queries, self._dim)
        wanted = min(k, len(self))
        if not wanted:
            return hits([[] for _ in units], k)
        # So many places that about `wanted` of them, and the margin, are alive.
        fetch = -(-(wanted + MARGIN) * len(self._ids) // len(self))
        return hits(self._find(units, wanted, fetch), k)

    def save(self, path: Path) -> None:
        """Write `index.json` and `vectors.faiss`; see `VectorIndex.save`."""
        header = Header(
            kind=self._kind,
            structure=self.structure,
            dim=self._dim,
            expected_size=self._expected_size,
            ids=list(self._ids),
        )
        write_header(path, header)
        self._structure.write(path / _FILE)

    @classmethod
    def load(cls, path: Path, header: Header, gpu: bool = False) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: the FAISS file is missing, damaged, or does not fit its header.
        """
        try:
            structure = faiss_backends.read(path / _FILE, header.structure, gpu)
        except (RuntimeError, KeyError) as error:
            raise BundleError(f"the vectors of the index in {path} cannot be read: {error}") from error
        check_fit(path, header, structure.size, structure.dim)
        index = cls(header.kind, header.dim, header.expected_size, gpu)
        index._structure = structure
        index._ids = list(header.ids)
        index._live = np.array([id_ is not None for id_ in header.ids], dtype=np.bool_)
        index._place = {id_: place for place, id_ in enumerate(header.ids) if id_ is not None}
        return index

    def _tombstone(self, ids: Sequence[str]) -> int:
        """Turn the places of `ids` into tombstones; returns how many there were."""
        places = [self._place.pop(id_) for id_ in dict.fromkeys(ids) if id_ in self._place]
        for place in places:
            self._ids[place] = None
        self._live[places] = False
        return len(places)

    def _append(self, ids: Sequence[str], vectors: Floats32) -> None:
        if not len(ids):
            return
        start = len(self._ids)
        self._structure.add(vectors)
        self._ids.extend(ids)
        self._place.update((id_, start + number) for number, id_ in enumerate(ids))
        self._live = np.append(self._live, np.ones(len(ids), dtype=np.bool_))

    def _compact(self) -> None:
        """Build anew from what is alive when too much is dead, or when the size asks for another structure."""
        dead = len(self._ids) - len(self)
        if dead > DEAD_SHARE * len(self._ids) or self._outgrown():
            alive = [id_ for id_ in self._ids if id_ is not None]
            vectors = self._structure.vectors()[self._live]
            self._structure = Ivf.trained(vectors) if self._requested() == Ivf.name else self._empty()
            self._ids, self._place, self._live = [], {}, np.zeros(0, dtype=np.bool_)
            self._append(alive, vectors)

    def _outgrown(self) -> bool:
        if isinstance(self._structure, Ivf):
            return len(self) > IVF_GROWTH * self._structure.trained_on
        return isinstance(self._structure, Flat) and self._requested() != Flat.name

    def _requested(self) -> str:
        """The structure that suits the kind at the present size."""
        if self._kind == "ivf":
            return Ivf.name if len(self) >= IVF_LEAST else Flat.name
        if self._kind == "auto":
            limit = FLAT_LIMIT_GPU if self._gpu else FLAT_LIMIT
            return Hnsw.name if max(len(self), self._expected_size) > limit else Flat.name
        return self._kind

    def _empty(self) -> Structure:
        if self._requested() == Hnsw.name:
            return Hnsw.empty(self._dim)
        return Flat.empty(self._dim, self._gpu)

    def _find(
        self, queries: NDArray[np.float64], wanted: int, fetch: int, exhaustive: bool = False
    ) -> list[list[tuple[float, str]]]:
        """The `wanted` best of each query; those that `fetch` places do not settle look wider, one by one."""
        fetch = min(fetch, self._structure.size)
        block = max(1, _NUMBERS_PER_BLOCK // (fetch * self._dim))
        found = []
        for start in range(0, len(queries), block):
            asked = queries[start : start + block]
            near = self._structure.search(
                asked.astype(np.float32), fetch, exhaustive or fetch == self._structure.size
            )
            for row, settled in enumerate(self._is_exact(near, wanted)):
                if settled:
                    found.append(self._best(asked[row], near.places[row], near.vectors[row], wanted))
                else:
                    found += self._find(asked[row : row + 1], wanted, fetch * WIDEN, exhaustive=True)
        return found

    def _is_exact(self, near: RawHits, wanted: int) -> NDArray[np.bool_]:
        """Queries whose best `wanted` are certain: all was seen, or the last one seen scores clearly lower."""
        if near.places.shape[1] == self._structure.size:
            return np.ones(len(near.places), dtype=np.bool_)
        alive = self._alive(near.places)
        enough = alive.sum(axis=1) >= wanted
        last_wanted = np.argmax(np.cumsum(alive, axis=1) == wanted, axis=1)
        worst = np.take_along_axis(near.scores, last_wanted[:, None], axis=1)[:, 0]
        clear = (near.places[:, -1] >= 0) & (worst - near.scores[:, -1] > SCORE_TOLERANCE)
        return np.asarray(enough & clear, dtype=np.bool_)

    def _alive(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((places >= 0) & self._live[places], dtype=np.bool_)

    def _best(
        self,
        query: NDArray[np.float64],
        places: NDArray[np.int64],
        vectors: Floats32,
        k: int,
    ) -> list[tuple[float, str]]:
        kept = self._alive(places)
        if not kept.all():
            places, vectors = places[kept], vectors[kept]
        return best(query, [str(self._ids[place]) for place in places.tolist()], vectors, k)
