import numpy as np
import pytest

from recsys.index import exact_index
from recsys.index.exact_index import ExactIndex

RNG = np.random.default_rng(0)


def test_search_equals_sorting_all_cosines() -> None:
    vectors, query = RNG.normal(size=(200, 6)), RNG.normal(size=(1, 6))
    index = ExactIndex(6)
    index.add([str(number) for number in range(200)], vectors)
    cosines = (vectors @ query[0]) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    found = index.search(query, 20)
    assert found.ids == [[str(number) for number in np.argsort(-cosines)[:20]]]
    assert found.scores[0] == pytest.approx(np.sort(cosines)[::-1][:20], abs=1e-6)


def test_many_queries_are_scored_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    index = ExactIndex(6)
    index.add([str(number) for number in range(50)], RNG.normal(size=(50, 6)))
    queries = RNG.normal(size=(17, 6))
    whole = index.search(queries, 5)
    monkeypatch.setattr(exact_index, "_CELLS_PER_BLOCK", 120)
    parts = index.search(queries, 5)
    assert parts.ids == whole.ids
    assert np.array_equal(parts.scores, whole.scores)


def test_near_tie_at_the_end_is_settled_by_exact_scores() -> None:
    """Closer than single precision can tell apart at first, and still ordered by the stored numbers."""
    base = RNG.normal(size=64)
    vectors = np.stack([base + 1e-7 * RNG.normal(size=64) for _ in range(40)])
    index = ExactIndex(64)
    index.add([f"{number:02d}" for number in range(40)], vectors)
    every, some = index.search(base[None], 40), index.search(base[None], 7)
    assert some.ids[0] == every.ids[0][:7]


def test_ids_are_ordered_by_code_point() -> None:
    names = ["é", "z", "A", "a10", "a2", "新"]
    index = ExactIndex(2)
    index.add(names, np.ones((6, 2)))
    assert index.search(np.ones((1, 2)), 6).ids == [["A", "a10", "a2", "z", "é", "新"]]
    assert index.ids() == sorted(names, key=lambda name: name.encode())


def test_removing_keeps_the_right_vectors_with_the_right_ids() -> None:
    index = ExactIndex(4)
    index.add(list("abcd"), np.eye(4))
    index.remove(["b", "a"])
    for name, axis in (("c", 2), ("d", 3)):
        assert index.search(np.eye(4)[[axis]], 1).ids == [[name]]
