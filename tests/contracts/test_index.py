"""Every kind of index finds the same. The numpy index is the oracle."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.errors import BundleError, DataError
from recsys.index.cached_index import CachedIndex
from recsys.index.exact_index import ExactIndex
from recsys.index.index_factory import load_index, make_index
from recsys.index.vector_index import VectorIndex
from recsys.settings import Device, IndexKind
from recsys.state.vocabulary import Vocabulary

DIM = 16
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    name: IndexKind
    device: Device = "cpu"
    exact: bool = True
    remembers: bool = False

    def make(self, dim: int = DIM) -> VectorIndex:
        made = make_index(self.name, dim, device=self.device)
        return CachedIndex(made) if self.remembers else made


KINDS = {
    "exact": Kind("exact"),
    "auto": Kind("auto"),
    "flat": Kind("flat"),
    "hnsw": Kind("hnsw", exact=False),
    "remembering": Kind("flat", remembers=True),
    "gpu-auto": Kind("auto", "cuda"),
    "gpu-flat": Kind("flat", "cuda"),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    chosen = KINDS[request.param]
    if chosen.device == "cuda" and not faiss.get_num_gpus():
        pytest.skip("FAISS sees no GPU here")
    yield chosen


def clustered(count: int, seed: int = 0, dim: int = DIM) -> Vectors:
    """Articles around forty topics, as text encoders give them."""
    rng = np.random.default_rng(seed)
    topics = np.random.default_rng(99).normal(size=(40, dim))
    return (topics[rng.integers(0, 40, size=count)] + 0.4 * rng.normal(size=(count, dim))).astype(np.float32)


def names(count: int, start: int = 0) -> list[str]:
    return [f"n{number:05d}" for number in range(start, start + count)]


def oracle(ids: list[str], vectors: Vectors) -> ExactIndex:
    index = ExactIndex(vectors.shape[1])
    index.add(ids, vectors)
    return index


def assert_same(index: VectorIndex, truth: VectorIndex, k: int = 10) -> None:
    queries = clustered(20, seed=5)
    got, expected = index.search(queries, k), truth.search(queries, k)
    assert index.ids() == truth.ids()
    assert got.ids == expected.ids
    assert np.array_equal(got.scores, expected.scores)


def test_empty_index_finds_nothing(kind: Kind) -> None:
    index = kind.make()
    found = index.search(clustered(2), 3)
    assert len(index) == 0
    assert index.ids() == []
    assert found.ids == [[], []]
    assert np.array_equal(found.scores, np.full((2, 3), -np.inf))


def test_no_queries_give_no_hits(kind: Kind) -> None:
    index = kind.make()
    index.add(names(5), clustered(5))
    found = index.search(np.zeros((0, DIM), dtype=np.float32), 3)
    assert found.ids == []
    assert found.scores.shape == (0, 3)


def test_adding_nothing_changes_nothing(kind: Kind) -> None:
    index = kind.make()
    index.add([], np.zeros((0, DIM), dtype=np.float32))
    assert len(index) == 0


def test_scores_are_cosines_whatever_the_lengths(kind: Kind) -> None:
    index = kind.make(dim=2)
    index.add(["east", "north"], np.array([[5.0, 0.0], [0.0, 0.1]]))
    found = index.search(np.array([[3.0, 4.0]]), 2)
    assert found.ids == [["north", "east"]]
    assert found.scores[0] == pytest.approx([0.8, 0.6])


def test_zero_vector_is_kept_and_scores_zero(kind: Kind) -> None:
    index = kind.make(dim=2)
    index.add(["blank", "east"], np.array([[0.0, 0.0], [1.0, 0.0]]))
    found = index.search(np.array([[-1.0, 0.0]]), 2)
    assert found.ids == [["blank", "east"]]
    assert found.scores.tolist() == [[0.0, -1.0]]


def test_k_beyond_the_size_returns_all_and_pads_scores(kind: Kind) -> None:
    index = kind.make()
    index.add(names(3), clustered(3))
    found = index.search(clustered(1, seed=1), 5)
    assert sorted(found.ids[0]) == names(3)
    assert np.isfinite(found.scores[0, :3]).all()
    assert np.isneginf(found.scores[0, 3:]).all()


def test_few_articles_are_searched_as_the_oracle_does(kind: Kind) -> None:
    index = kind.make()
    index.add(names(30), clustered(30))
    assert_same(index, oracle(names(30), clustered(30)))


def test_thousands_of_articles_are_found_nearly_as_the_oracle_does(kind: Kind) -> None:
    ids, vectors, queries = names(3_000), clustered(3_000), clustered(100, seed=5)
    index = kind.make()
    index.add(ids, vectors)
    truth = oracle(ids, vectors).search(queries, 10)
    found = index.search(queries, 10)
    hits = sum(len(set(got) & set(true)) for got, true in zip(found.ids, truth.ids, strict=True))
    assert hits / 1_000 >= (1.0 if kind.exact else 0.95)


def test_ties_are_ordered_by_id_also_beyond_the_first_look(kind: Kind) -> None:
    index = kind.make()
    same = np.tile(clustered(1), (300, 1))
    index.add(names(300)[::-1], same)
    found = index.search(same[:1], 5)
    assert found.ids == [names(5)]


def test_replaced_article_is_found_by_its_new_vector_only(kind: Kind) -> None:
    vectors, moved = clustered(40), clustered(10, seed=9)
    index = kind.make()
    index.add(names(40), vectors)
    index.add(names(10), moved)
    assert len(index) == 40
    assert_same(index, oracle(names(40), np.concatenate([moved, vectors[10:]])))


def test_last_vector_of_a_repeated_id_counts(kind: Kind) -> None:
    vectors = clustered(3)
    index = kind.make()
    index.add(["a", "b", "a"], vectors)
    assert_same(index, oracle(["b", "a"], vectors[1:]))


def test_removed_articles_are_never_found(kind: Kind) -> None:
    index = kind.make()
    index.add(names(50), clustered(50))
    assert index.remove([*names(30), "unknown", "n00000"]) == 30
    assert len(index) == 20
    assert_same(index, oracle(names(20, start=30), clustered(50)[30:]), k=50)


def test_removed_among_thousands_leave_no_holes(kind: Kind) -> None:
    vectors = clustered(2_000)
    index = kind.make()
    index.add(names(2_000), vectors)
    nearest = index.search(vectors[:1], 100).ids[0]
    index.remove(nearest)
    found = index.search(vectors[:1], 100).ids[0]
    assert len(found) == 100
    assert not set(found) & set(nearest)


def test_everything_can_be_removed_and_added_again(kind: Kind) -> None:
    index = kind.make()
    index.add(names(20), clustered(20))
    assert index.remove(names(20)) == 20
    assert index.search(clustered(1), 3).ids == [[]]
    index.add(names(20), clustered(20))
    assert_same(index, oracle(names(20), clustered(20)))


@pytest.mark.parametrize("shape", [(3, DIM + 1), (2, DIM), (DIM,), (1, 3, DIM)])
def test_vectors_of_another_shape_are_refused(kind: Kind, shape: tuple[int, ...]) -> None:
    index = kind.make()
    with pytest.raises(DataError):
        index.add(["a", "b", "c"], np.zeros(shape, dtype=np.float32))
    assert len(index) == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused_as_a_whole(kind: Kind, broken: float) -> None:
    vectors = clustered(3)
    vectors[1, 2] = broken
    index = kind.make()
    with pytest.raises(DataError, match="row 1"):
        index.add(["a", "b", "c"], vectors)
    with pytest.raises(DataError, match="row 1"):
        index.search(vectors, 1)
    assert len(index) == 0


def test_queries_of_another_width_and_k_below_one_are_refused(kind: Kind) -> None:
    index = kind.make()
    with pytest.raises(DataError, match="vectors of 16"):
        index.search(np.zeros((1, DIM + 1), dtype=np.float32), 1)
    with pytest.raises(DataError, match="k ≥ 1"):
        index.search(clustered(1), 0)


def nearest_ids(index: VectorIndex, queries: Vectors, k: int) -> list[list[str]]:
    """Return the ids of the nearest articles, by their places and a vocabulary that numbers them otherwise."""
    names = Vocabulary(index.ids())
    return [[names.strings[row] for row in index.rows(names)[places]] for places in index.nearest(queries, k)]


def test_nearest_articles_are_those_of_a_search_in_its_order(kind: Kind) -> None:
    vectors = clustered(600)
    vectors[100:140] = vectors[0]  # one text many times: equal scores
    vectors[200:240] = vectors[1] + 1e-6 * clustered(40, seed=2)  # nearly equal ones
    index = kind.make()
    index.add(names(600), vectors)
    index.remove(names(30, start=120))
    index.add(names(20, start=210), vectors[1] + 1e-6 * clustered(20, seed=3))
    queries = np.concatenate((vectors[:2], clustered(20, seed=5)))
    for k in (1, 7, 60, 1_000):
        assert nearest_ids(index, queries, k) == index.search(queries, k).ids


def test_nearest_finds_nothing_where_a_search_does_not(kind: Kind) -> None:
    index = kind.make()
    assert [len(places) for places in index.nearest(clustered(2), 3)] == [0, 0]
    index.add(names(5), clustered(5))
    assert index.nearest(np.zeros((0, DIM), dtype=np.float32), 3) == []


def test_rows_of_an_index_follow_its_articles_and_their_dense_ids(kind: Kind) -> None:
    index, articles = kind.make(), Vocabulary(["none", *names(3)])
    index.add(names(5), clustered(5))
    assert sorted(index.rows(articles).tolist()) == [-1, -1, 1, 2, 3]
    articles.intern(names(5)[::-1])
    assert sorted(index.rows(articles).tolist()) == [1, 2, 3, 4, 5]
    index.remove(names(4))
    index.add(["new"], clustered(1, seed=1))
    articles.intern(["new"])
    for other in (articles, Vocabulary(["new", "n00004"]), articles):
        found = index.rows(other)[index.nearest(clustered(1, seed=1), 5)[0]]
        assert [other.strings[row] for row in found] == index.search(clustered(1, seed=1), 5).ids[0]


def test_saved_index_loads_as_it_was_and_stays_editable(kind: Kind, tmp_path: Path) -> None:
    index = kind.make()
    index.add(names(60), clustered(60))
    index.remove(names(5))
    index.save(tmp_path / "index")
    loaded = load_index(tmp_path / "index", kind.device)
    assert (loaded.dim, len(loaded)) == (DIM, 55)
    assert_same(loaded, index)
    loaded.add(names(10), clustered(10, seed=3))
    index.add(names(10), clustered(10, seed=3))
    assert_same(loaded, index)


def test_empty_index_survives_saving(kind: Kind, tmp_path: Path) -> None:
    kind.make().save(tmp_path)
    loaded = load_index(tmp_path, kind.device)
    assert (loaded.dim, len(loaded)) == (DIM, 0)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


@pytest.mark.parametrize("harm", [_cut, Path.unlink])
def test_damaged_or_missing_files_are_refused(kind: Kind, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    index = kind.make()
    index.add(names(5), clustered(5))
    for file in ("index.json", "vectors.*"):
        index.save(tmp_path)
        harm(next(tmp_path.glob(file)))
        with pytest.raises(BundleError):
            load_index(tmp_path, kind.device)


def test_vectors_of_another_index_are_refused(kind: Kind, tmp_path: Path) -> None:
    for name, count in (("one", 5), ("two", 6)):
        index = kind.make()
        index.add(names(count), clustered(count))
        index.save(tmp_path / name)
    (tmp_path / "one" / "index.json").replace(tmp_path / "two" / "index.json")
    with pytest.raises(BundleError, match="damaged"):
        load_index(tmp_path / "two", kind.device)


Step = tuple[str, list[int]]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.integers(0, 14), max_size=8)), max_size=12
)


@pytest.mark.parametrize("name", ["exact", "flat", "hnsw", "remembering"])
@given(steps=STEPS, seed=st.integers(0, 1_000))
@settings(deadline=None, max_examples=25)
def test_any_sequence_of_edits_equals_a_fresh_index(name: str, steps: list[Step], seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, held = KINDS[name].make(), dict[str, Vectors]()
    for verb, numbers in steps:
        ids = [f"n{number}" for number in numbers]
        if verb == "add":
            vectors = rng.integers(-1, 2, size=(len(ids), DIM)).astype(np.float32)
            index.add(ids, vectors)
            held.update(zip(ids, vectors, strict=True))
        else:
            assert index.remove(ids) == sum(held.pop(id_, None) is not None for id_ in dict.fromkeys(ids))
    fresh = ExactIndex(DIM)
    if held:
        fresh.add(list(held), np.stack(list(held.values())))
    assert_same(index, fresh, k=4)
