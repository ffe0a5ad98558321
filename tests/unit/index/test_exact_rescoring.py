import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.index.exact_index import ExactIndex
from recsys.index.exact_rescoring import best, best_places, hits


def test_equal_scores_are_ordered_by_id() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    found = best(np.array([1.0, 0.0]), ["b", "c", "a"], vectors, 3)
    assert found == [(1.0, "a"), (1.0, "b"), (0.0, "c")]


def test_hits_pad_to_k() -> None:
    found = hits([[(0.5, "a")], []], 2)
    assert found.ids == [["a"], []]
    assert found.scores.tolist() == [[0.5, -np.inf], [-np.inf, -np.inf]]


@given(st.integers(0, 2**16), st.integers(1, 60), st.integers(0, 60))
@settings(deadline=None)
def test_places_are_in_the_order_of_exact_scores_although_few_are_computed(seed: int, count: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    # scores close to each other, and some vectors twice
    around = rng.normal(size=5) + rng.choice([1e-7, 1e-5, 1e-1]) * rng.normal(size=(count, 5))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    vectors = around.astype(np.float32)[rng.integers(count, size=count)]
    ids = [str(number) for number in rng.permutation(count)]
    query = rng.normal(size=5)
    query /= np.linalg.norm(query)
    approximate = (vectors @ query + rng.uniform(-9e-6, 9e-6, size=count)).astype(np.float32)
    order = np.argsort(-approximate, kind="stable")
    k = min(k, count)
    found = best_places(
        query,
        approximate[order],
        k,
        lambda places: ([ids[place] for place in order[places]], vectors[order[places]]),
    )
    assert [ids[place] for place in order[found]] == [id_ for _, id_ in best(query, ids, vectors, k)]


@given(st.integers(0, 2**16), st.integers(1, 40), st.sampled_from([1, 33, 384, 1_152]))
@settings(deadline=None, max_examples=30)
def test_scores_do_not_depend_on_where_vectors_lie(seed: int, count: int, dim: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, query = rng.normal(size=(count, dim)), rng.normal(size=(1, dim))
    ids = [str(number) for number in range(count)]
    order = rng.permutation(count)
    straight, shuffled = ExactIndex(dim), ExactIndex(dim)
    straight.add(ids, vectors)
    shuffled.add([ids[place] for place in order], vectors[order])
    one, other = straight.search(query, count), shuffled.search(query, count)
    assert one.ids == other.ids
    assert np.array_equal(one.scores, other.scores)
