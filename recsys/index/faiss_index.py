"""FAISS index: append-only structures made editable with tombstones."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import BundleError
from recsys.index import faiss_backends
from recsys.index.exact_rescoring import SCORE_TOLERANCE, best, best_places, hits
from recsys.index.faiss_backends import Flat, Hnsw, RawHits, Structure
from recsys.index.index_files import Header, check_fit, write_header
from recsys.index.place_rows import PlaceRows
from recsys.index.validation import check_k, entries, unit_vectors
from recsys.index.vector_index import DenseIds, Floats32, Hits, Places, Vectors
from recsys.settings import IndexKind

FLAT_LIMIT = 5_000  # above it `auto` uses a graph on a CPU
FLAT_LIMIT_GPU = 2_000_000  # 3 GB at 384 numbers a vector; a GPU compares with all of them in milliseconds
DEAD_SHARE = 0.2
MARGIN = 32  # extra positions beyond k, so that near-ties at the end are ordered exactly
WIDEN = 8

_FILE = "vectors.faiss"
_NUMBERS_PER_BLOCK = 16_000_000  # scores and positions that one search returns: 192 MB


class _Candidates(NamedTuple):
    """Candidates of a query: approximate scores [n], largest first, and positions [n], all of stored articles."""

    scores: Floats32
    positions: Places


class FaissIndex:
    """Index on a FAISS structure chosen by kind and size; see `VectorIndex`.

    A graph cannot delete a vector, so removed and replaced ones stay as tombstones, for all kinds alike. Searches
    fetch more and skip them, and the structure is rebuilt when more than a fifth of it is dead. If a first search
    is not conclusive (too many tombstones, or a tie at the end), a second one is exhaustive.
    """

    def __init__(self, kind: IndexKind, dim: int, expected_size: int = 0, gpu: bool = False) -> None:
        self._kind: IndexKind = kind
        self._dim = dim
        self._expected_size = expected_size
        self._gpu = gpu
        self._ids: list[str | None] = []
        self._position: dict[str, int] = {}
        self._live = np.zeros(0, dtype=np.bool_)
        self._rows = PlaceRows()
        self._structure = self._empty()

    @property
    def dim(self) -> int:
        """Return the length of the vectors."""
        return self._dim

    @property
    def structure(self) -> str:
        """Return the name of the current structure: flat or hnsw."""
        return self._structure.name

    def __len__(self) -> int:
        return len(self._position)

    def ids(self) -> list[str]:
        """Return the stored ids, sorted."""
        return sorted(self._position)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Implement `VectorIndex.add`."""
        names, units = entries(ids, vectors, self._dim)
        self._tombstone(names)
        self._append(names, units)
        self._compact()

    def remove(self, ids: Sequence[str]) -> int:
        """Implement `VectorIndex.remove`."""
        count = self._tombstone(ids)
        self._compact()
        return count

    def search(self, queries: Vectors, k: int) -> Hits:
        """Implement `VectorIndex.search`, approximately unless flat."""
        units = self._units(queries, k)
        found = self._candidates(units, k)
        ranked = [
            best(unit, *self._entries(positions), min(k, len(self)))
            for unit, (_, positions) in zip(units, found, strict=True)
        ]
        return hits(ranked, k)

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        """Implement `VectorIndex.nearest`; the places are positions in the structure."""
        units = self._units(queries, k)
        found = self._candidates(units, k)
        return [
            positions[best_places(unit, scores, min(k, len(self)), partial(self._entries_at, positions))]
            for unit, (scores, positions) in zip(units, found, strict=True)
        ]

    def rows(self, articles: DenseIds) -> NDArray[np.int64]:
        """Implement `VectorIndex.rows`."""
        return self._rows.of(self._ids, articles)

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
        """Load an index written by `save`.

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
        index._position = {id_: position for position, id_ in enumerate(header.ids) if id_ is not None}
        return index

    def _tombstone(self, ids: Sequence[str]) -> int:
        """Turn the positions of `ids` into tombstones, and return their number."""
        positions = [self._position.pop(id_) for id_ in dict.fromkeys(ids) if id_ in self._position]
        for position in positions:
            self._ids[position] = None
        self._live[positions] = False
        return len(positions)

    def _append(self, ids: Sequence[str], vectors: Floats32) -> None:
        if not len(ids):
            return
        start = len(self._ids)
        self._structure.add(vectors)
        self._ids.extend(ids)
        self._position.update((id_, start + number) for number, id_ in enumerate(ids))
        self._live = np.append(self._live, np.ones(len(ids), dtype=np.bool_))

    def _compact(self) -> None:
        """Rebuild from the live vectors if too many are dead, or if the size requires another structure."""
        dead = len(self._ids) - len(self)
        if dead > DEAD_SHARE * len(self._ids) or self._outgrown():
            live = [id_ for id_ in self._ids if id_ is not None]
            vectors = self._structure.vectors()[self._live]
            self._structure = self._empty()
            self._ids, self._position, self._live = [], {}, np.zeros(0, dtype=np.bool_)
            self._rows.clear()
            self._append(live, vectors)

    def _outgrown(self) -> bool:
        return isinstance(self._structure, Flat) and self._required_structure() != Flat.name

    def _required_structure(self) -> str:
        """Return the name of the structure for the kind at the current size."""
        if self._kind == "auto":
            limit = FLAT_LIMIT_GPU if self._gpu else FLAT_LIMIT
            return Hnsw.name if max(len(self), self._expected_size) > limit else Flat.name
        return self._kind

    def _empty(self) -> Structure:
        if self._required_structure() == Hnsw.name:
            return Hnsw.empty(self._dim)
        return Flat.empty(self._dim, self._gpu)

    def _units(self, queries: Vectors, k: int) -> NDArray[np.float64]:
        check_k(k)
        return unit_vectors(queries, self._dim)

    def _candidates(self, units: NDArray[np.float64], k: int) -> list[_Candidates]:
        """Return candidates of each query, among which the k best articles are."""
        requested = min(k, len(self))
        if not requested:
            nothing = _Candidates(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64))
            return [nothing] * len(units)
        # fetch enough positions for about `requested` live ones plus the margin
        fetch = -(-(requested + MARGIN) * len(self._ids) // len(self))
        return self._find(units, requested, fetch)

    def _find(
        self, queries: NDArray[np.float64], requested: int, fetch: int, exhaustive: bool = False
    ) -> list[_Candidates]:
        """Return the candidates of each query; search inconclusive queries again, wider and exhaustively."""
        fetch = min(fetch, self._structure.size)
        block = max(1, _NUMBERS_PER_BLOCK // fetch)
        results = []
        for start in range(0, len(queries), block):
            block_queries = queries[start : start + block]
            raw_hits = self._structure.search(
                block_queries.astype(np.float32), fetch, exhaustive or fetch == self._structure.size
            )
            for row, exact in enumerate(self._is_exact(raw_hits, requested).tolist()):
                if exact:
                    results.append(self._live_ones(raw_hits.scores[row], raw_hits.positions[row]))
                else:
                    results += self._find(block_queries[row : row + 1], requested, fetch * WIDEN, exhaustive=True)
        return results

    def _is_exact(self, raw_hits: RawHits, requested: int) -> NDArray[np.bool_]:
        """Return the queries with certain results.

        A result is certain if all vectors were compared, or if the last one fetched scores clearly lower.
        """
        if raw_hits.positions.shape[1] == self._structure.size:
            return np.ones(len(raw_hits.positions), dtype=np.bool_)
        live = self._is_live(raw_hits.positions)
        enough = live.sum(axis=1) >= requested
        last_requested = np.argmax(np.cumsum(live, axis=1) == requested, axis=1)
        worst = np.take_along_axis(raw_hits.scores, last_requested[:, None], axis=1)[:, 0]
        clearly_lower = (raw_hits.positions[:, -1] >= 0) & (worst - raw_hits.scores[:, -1] > SCORE_TOLERANCE)
        return np.asarray(enough & clearly_lower, dtype=np.bool_)

    def _is_live(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((positions >= 0) & self._live[positions], dtype=np.bool_)

    def _live_ones(self, scores: Floats32, positions: Places) -> _Candidates:
        live = self._is_live(positions)
        return _Candidates(scores, positions) if live.all() else _Candidates(scores[live], positions[live])

    def _entries(self, positions: Places) -> tuple[list[str], Floats32]:
        """Return the ids and the vectors at live `positions` [n]."""
        ids = [str(self._ids[position]) for position in positions.tolist()]
        return ids, self._structure.vectors_at(positions)

    def _entries_at(self, positions: Places, places: NDArray[np.intp]) -> tuple[list[str], Floats32]:
        """Return the ids and the vectors at those of `positions` [n] that stand at `places` [m]."""
        return self._entries(positions[places])
