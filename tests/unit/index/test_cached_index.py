import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.index import cached_index
from recsys.index.cached_index import CachedIndex
from recsys.index.exact_index import ExactIndex
from recsys.index.vector_index import Places, Vectors
from recsys.state.vocabulary import Vocabulary


class Counting(ExactIndex):
    """Counts the queries that were searched."""

    requested = 0

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        self.requested += len(queries)
        return super().nearest(queries, k)


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


@pytest.fixture
def inner() -> Counting:
    index = Counting(4)
    index.add([f"n{number}" for number in range(20)], vectors(20, 1))
    return index


def test_a_repeated_query_is_not_searched_again(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(5, 2)
    plain = inner.nearest(queries, 3)
    inner.requested = 0
    for places in ([0, 1], [1, 2, 0], [2], [3, 3, 4, 0]):
        np.testing.assert_array_equal(index.nearest(queries[places], 3), [plain[place] for place in places])
    assert inner.requested == 2 + 1 + 0 + 3


def test_another_number_of_neighbours_is_another_question(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(1, 2)
    assert [len(index.nearest(queries, k)[0]) for k in (2, 5)] == [2, 5]


def test_an_answer_is_of_the_articles_that_are_there(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(1, 2)
    names = Vocabulary([*inner.ids(), "nearest"])

    def nearest() -> str:
        return names.strings[index.rows(names)[index.nearest(queries, 1)[0][0]]]

    first = nearest()
    index.remove([first])
    assert nearest() != first
    index.add(["nearest"], queries)
    assert nearest() == "nearest"


def test_changing_an_answer_changes_no_later_one(inner: Counting) -> None:
    index, queries = CachedIndex(inner), vectors(2, 2)
    expected = inner.nearest(queries, 3)
    for _ in range(3):
        found = index.nearest(queries, 3)
        np.testing.assert_array_equal(found, expected)
        found.clear()
    with pytest.raises(ValueError, match="read-only"):
        index.nearest(queries, 3)[0][:] = 0


def test_memory_is_bounded(inner: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_index, "MOST", 3)
    index, queries = CachedIndex(inner), vectors(8, 2)
    for place in range(8):
        index.nearest(queries[place : place + 1], 2)
    inner.requested = 0
    index.nearest(queries, 2)
    assert inner.requested >= 5
