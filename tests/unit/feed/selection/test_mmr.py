import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.feed.selection.mmr import best_first, mmr_order

TWINS = np.asarray([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)


def test_without_diversity_the_order_is_that_of_the_scores() -> None:
    assert mmr_order(np.asarray([1.0, 3.0, 2.0]), np.ones((3, 1), dtype=np.float32), 0.0, 3).tolist() == [
        1,
        2,
        0,
    ]


def test_a_twin_of_the_first_waits_for_something_else() -> None:
    scores = np.asarray([4.0, 3.0, 2.0, 1.0])
    assert mmr_order(scores, TWINS, 0.5, 4).tolist() == [0, 2, 1, 3]


def test_only_the_first_places_are_diversified() -> None:
    assert mmr_order(np.asarray([4.0, 3.0, 2.0, 1.0]), TWINS, 0.9, 1).tolist() == [0, 1, 2, 3]


@given(st.lists(st.floats(-3, 3), max_size=12), st.floats(0, 1), st.integers(1, 15), st.integers(0, 9))
def test_nothing_is_lost_nothing_doubled_and_the_best_is_first(
    scores: list[float], diversity: float, most: int, seed: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(scores), 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = mmr_order(np.asarray(scores), vectors, diversity, most)
    assert sorted(order.tolist()) == list(range(len(scores)))
    if scores and diversity < 1:
        assert order[0] == best_first(np.asarray(scores))[0]
