import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.index import cached_index
from recsys.index.cached_index import CachedIndex
from recsys.index.exact_index import ExactIndex
from recsys.index.vector_index import Hits, Vectors


class Counting(ExactIndex):
    """Counts the queries that were searched."""

    requested = 0

    def search(self, queries: Vectors, k: int) -> Hits:
        self.requested += len(queries)
        return super().search(queries, k)


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


@pytest.fixture
def inner() -> Counting:
    index = Counting(4)
    index.add([f"n{number}" for number in range(20)], vectors(20, 1))
    return index


def test_a_repeated_query_is_not_searched_again(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(5, 2)
    plain = inner.search(queries, 3)
    inner.requested = 0
    for places in ([0, 1], [1, 2, 0], [2], [3, 3, 4, 0]):
        found = index.search(queries[places], 3)
        assert found.ids == [plain.ids[place] for place in places]
        assert np.array_equal(found.scores, plain.scores[places])
    assert inner.requested == 2 + 1 + 0 + 3


def test_another_number_of_neighbours_is_another_question(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(1, 2)
    assert [len(index.search(queries, k).ids[0]) for k in (2, 5)] == [2, 5]


def test_an_answer_is_of_the_articles_that_are_there(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(1, 2)
    first = index.search(queries, 1).ids[0]
    index.remove(first)
    assert index.search(queries, 1).ids[0] != first
    index.add(["nearest"], queries)
    assert index.search(queries, 1).ids[0] == ["nearest"]


def test_changing_an_answer_changes_no_later_one(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(2, 2)
    expected = inner.search(queries, 3)
    for _ in range(3):
        found = index.search(queries, 3)
        assert found.ids == expected.ids
        assert np.array_equal(found.scores, expected.scores)
        found.ids[0].clear()
        found.scores[:] = 0


def test_memory_is_bounded(inner: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_index, "MOST", 3)
    index, queries = CachedIndex(inner), vectors(8, 2)
    for place in range(8):
        index.search(queries[place : place + 1], 2)
    inner.requested = 0
    index.search(queries, 2)
    assert inner.requested >= 5
