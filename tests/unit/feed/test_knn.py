"""Articles near to a reader: the interests that are searched, and the order of their results."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.feed.knn import distinct, nearest
from recsys.index.exact_index import ExactIndex
from recsys.index.vector_index import Places, VectorIndex, Vectors
from recsys.state.live_state import LiveState
from tests.unit.feed.newsrooms import folded, papers

DIM = 16


def units(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    drawn = rng.normal(size=shape)
    return (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float32)


class Requested(ExactIndex):
    """Notes the number of neighbours of each search."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.widths: list[int] = []

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        self.widths.append(k)
        return super().nearest(queries, k)


def newsroom(count: int, index: VectorIndex) -> LiveState:
    articles = papers(count)
    index.add([article.id for article in articles], units(np.random.default_rng(1), count, DIM))
    return folded(articles)


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_interests_that_are_kept_are_unlike_and_speak_for_all(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    some = units(rng, 3, DIM)[rng.integers(3, size=count)] + 0.01 * units(rng, count, DIM)
    interests = (some / np.linalg.norm(some, axis=1, keepdims=True)).astype(np.float32)
    kept = distinct(interests)
    cosines = kept @ kept.T
    assert (cosines[~np.eye(len(kept), dtype=bool)] <= 0.995).all()
    assert ((interests @ kept.T).max(axis=1, initial=-1) > 0.995).all()


def test_the_first_of_interests_that_are_alike_is_searched() -> None:
    one, other = units(np.random.default_rng(2), 2, DIM)
    np.testing.assert_array_equal(distinct(np.stack([one, one, other, one])), np.stack([one, other]))


@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_queries_are_answered_in_turn_however_many_are_looked_for_at_once(
    queries: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    index = ExactIndex(DIM)
    state, requested = newsroom(80, index), units(rng, queries, DIM)
    allowed = rng.random(len(state.articles)) < 0.7
    allowed[0] = False
    lists = [[row for row in state.rows_of(ids) if allowed[row]] for ids in index.search(requested, 80).ids]
    in_turn = list(dict.fromkeys(row for turn in zip(*lists, strict=True) for row in turn))
    np.testing.assert_array_equal(nearest(state, index, requested, allowed, count), in_turn[:count])


@pytest.mark.parametrize(("queries", "widths"), [(1, [61]), (3, [46])])
def test_queries_that_lie_apart_share_what_is_looked_for(queries: int, widths: list[int]) -> None:
    index = Requested()
    state = newsroom(400, index)
    nearest(state, index, units(np.random.default_rng(3), queries, DIM), np.ones(401, dtype=bool), 45)
    assert index.widths == widths


def test_queries_that_lie_together_look_further() -> None:
    index = Requested()
    state, one = newsroom(400, index), units(np.random.default_rng(4), 1, DIM)
    found = nearest(state, index, np.repeat(one, 3, axis=0), np.ones(401, dtype=bool), 60)
    assert len(found) == 60
    assert index.widths == [56, 168]
