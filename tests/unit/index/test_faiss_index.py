from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.index import faiss_index
from recsys.index.faiss_index import FaissIndex
from recsys.index.index_factory import load_index
from recsys.settings import IndexKind

DIM = 8


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "FLAT_LIMIT", 100)


def vectors(count: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, DIM))


def names(count: int) -> list[str]:
    return [f"n{number:04d}" for number in range(count)]


def filled(kind: IndexKind, count: int, expected_size: int = 0) -> FaissIndex:
    index = FaissIndex(kind, DIM, expected_size)
    index.add(names(count), vectors(count))
    return index


def places(index: FaissIndex) -> int:
    """Vectors in the structure, tombstones included."""
    return index._structure.size


def test_auto_is_flat_while_small_and_becomes_a_graph() -> None:
    index = filled("auto", 100)
    assert index.structure == "flat"
    index.add(["one more"], vectors(1))
    assert index.structure == "hnsw"
    assert len(index) == 101


def test_auto_starts_as_a_graph_when_many_vectors_will_come() -> None:
    assert filled("auto", 3, expected_size=101).structure == "hnsw"


def test_graph_that_shrank_stays_until_it_is_built_anew() -> None:
    index = filled("auto", 101)
    index.remove(names(5))
    assert index.structure == "hnsw"
    index.remove(names(60))
    assert index.structure == "flat"
    assert places(index) == len(index) == 41


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_up_to_a_fifth_of_tombstones_is_carried_then_swept(kind: IndexKind) -> None:
    index = filled(kind, 50)
    index.remove(names(10))
    assert (places(index), len(index)) == (50, 40)
    index.remove(names(11))
    assert (places(index), len(index)) == (39, 39)


def test_replacing_leaves_a_tombstone() -> None:
    index = filled("hnsw", 50)
    index.add(names(1), vectors(1, seed=3))
    assert (places(index), len(index)) == (51, 50)


def test_tombstones_survive_saving(tmp_path: Path) -> None:
    index = filled("hnsw", 50)
    index.remove(names(10))
    index.save(tmp_path)
    loaded = load_index(tmp_path, "cpu")
    assert isinstance(loaded, FaissIndex)
    assert (places(loaded), len(loaded), loaded.structure) == (50, 40, "hnsw")
    assert loaded.ids() == index.ids()


def test_same_vectors_build_the_same_graph() -> None:
    first, second = filled("hnsw", 2_000), filled("hnsw", 2_000)
    queries = vectors(50, seed=1)
    assert first.search(queries, 10).ids == second.search(queries, 10).ids


def test_large_batches_are_answered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    index = filled("hnsw", 200)
    queries = vectors(30, seed=1)
    whole = index.search(queries, 10)
    monkeypatch.setattr(faiss_index, "_NUMBERS_PER_BLOCK", 1_000)
    parts = index.search(queries, 10)
    assert parts.ids == whole.ids
    assert np.array_equal(parts.scores, whole.scores)
