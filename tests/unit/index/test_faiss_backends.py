from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.index import faiss_backends
from recsys.index.faiss_backends import Flat, Hnsw, Structure

DIM, COUNT = 12, 2_000


def units(count: int, seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(count, DIM))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


STORED, QUERIES = units(COUNT, 0), units(20, 1)


@pytest.fixture(params=["flat", "hnsw"])
def structure(request: pytest.FixtureRequest) -> Structure:
    made: dict[str, Structure] = {
        "flat": Flat.empty(DIM, gpu=False),
        "hnsw": Hnsw.empty(DIM),
    }
    chosen = made[request.param]
    chosen.add(STORED[:500])
    chosen.add(STORED[500:])
    return chosen


def test_vectors_come_back_by_place(structure: Structure) -> None:
    assert (structure.size, structure.dim) == (COUNT, DIM)
    assert np.array_equal(structure.vectors(), STORED)


def test_exhaustive_search_leaves_nothing_out(structure: Structure) -> None:
    near = structure.search(QUERIES, 50, exhaustive=True)
    expected = np.sort(QUERIES @ STORED.T, axis=1)[:, ::-1][:, :50]
    assert near.scores == pytest.approx(expected, abs=1e-5)


def test_vectors_are_stored_where_a_search_says(structure: Structure) -> None:
    near = structure.search(QUERIES, 5, exhaustive=False)
    assert near.positions.shape == (20, 5)
    assert np.array_equal(structure.vectors_at(near.positions[0]), STORED[near.positions[0]])
    assert structure.vectors_at(near.positions[0, :0]).shape == (0, DIM)


def test_scores_fall(structure: Structure) -> None:
    near = structure.search(QUERIES, 30, exhaustive=False)
    assert np.all(np.diff(near.scores, axis=1) <= 0)


def test_written_file_reads_back_and_takes_more(structure: Structure, tmp_path: Path) -> None:
    file = tmp_path / "vectors.faiss"
    structure.write(file)
    read = faiss_backends.read(file, structure.name, gpu=False)
    assert type(read) is type(structure)
    assert np.array_equal(read.vectors(), STORED)
    read.add(STORED[:3])
    assert read.size == COUNT + 3


def test_file_that_is_not_an_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.faiss").write_bytes(b"no index at all, just some text")
    with pytest.raises(RuntimeError):
        faiss_backends.read(tmp_path / "vectors.faiss", "flat", gpu=False)


def test_empty_structure_has_no_vectors() -> None:
    assert Flat.empty(DIM, gpu=False).vectors().shape == (0, DIM)
    assert Hnsw.empty(DIM).vectors().shape == (0, DIM)


def test_building_a_graph_leaves_the_threads_as_they_were() -> None:
    before = faiss.omp_get_max_threads()
    Hnsw.empty(DIM).add(STORED[:50])
    assert faiss.omp_get_max_threads() == before
