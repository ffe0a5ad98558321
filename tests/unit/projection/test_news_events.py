"""Articles on one news event are linked by their vectors and times, whatever the order in which they arrive."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR, Article
from recsys.encoder.vector_space import RAW, VectorSpace
from recsys.frames import articles_frame
from recsys.projection import news_events
from recsys.projection.news_events import WITHIN, least_cosine
from recsys.projection.vector_table import VectorTable, drop_vectors, put_vectors
from recsys.state.live_state import LiveState
from recsys.state.stories import MOST_LINKS

DIM, NOW = 32, 100 * DAY


def article_rows(ids: list[str], times: list[int | None]) -> pl.DataFrame:
    """Articles of these ids and times of publication, each with a title of its own."""
    pairs = zip(ids, times, strict=True)
    return articles_frame(Article(id=id_, title=f"All about {id_}", published_at=at) for id_, at in pairs)


def units(rows: int, seed: int = 1) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(rows, DIM))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def near(vector: NDArray[np.float32], cosine: float, seed: int) -> NDArray[np.float32]:
    """Return a unit vector with this cosine to `vector`."""
    other = units(1, seed)[0]
    other -= (other @ vector) * vector
    other /= np.linalg.norm(other)
    return np.asarray(cosine * vector + np.sqrt(1 - cosine**2) * other, dtype=np.float32)


def stories(
    vectors: NDArray[np.float32], times: list[int | None], order: list[int] | None = None, parts: int = 1
) -> set[frozenset[str]]:
    """Return the stories of more than one article, as sets of ids, for articles that arrive in `order`."""
    names = [f"a{number}" for number in range(len(vectors))]
    order = list(range(len(vectors))) if order is None else order
    state, table = LiveState(), VectorTable(FITTED)
    for part in np.array_split(np.asarray(order), parts):
        if len(part):
            frame = article_rows([names[i] for i in part], [times[i] for i in part])
            state.upsert_articles(frame)
            put_vectors(state, table, state.articles.lookup(frame["id"].to_list()), vectors[part])
    found = state.catalog.stories()
    groups: dict[int, set[str]] = {}
    for row in found.copies.tolist():
        groups.setdefault(int(found.of[row]), set()).add(state.articles.strings[row])
    return {frozenset(group) for group in groups.values()}


FITTED = VectorSpace(axes=np.eye(DIM, dtype=np.float32), inverse_temperature=12.5, typical=0.1)
"""Links from 0.1 + 7.5 / 12.5 = 0.7 on."""


def test_articles_far_above_random_pairs_and_close_in_time_are_one_story() -> None:
    first, other = units(2)
    vectors = np.stack([first, near(first, 0.75, 5), near(first, 0.65, 6), other])
    assert stories(vectors, [NOW, NOW + HOUR, NOW + HOUR, NOW]) == {frozenset({"a0", "a1"})}


@pytest.mark.parametrize(("apart", "linked"), [(WITHIN, True), (WITHIN + 1, False)])
def test_days_apart_the_same_words_are_another_event(apart: int, linked: bool) -> None:
    vectors = np.repeat(units(1), 2, axis=0)
    assert bool(stories(vectors, [NOW, NOW + apart])) is linked


def test_an_article_without_a_time_joins_no_event() -> None:
    assert not stories(np.repeat(units(1), 2, axis=0), [NOW, None])


def test_a_chain_of_links_does_not_join_different_days() -> None:
    """Each report is linked with that of the day before; the third is too late for the first."""
    vectors = np.repeat(units(1), 4, axis=0)
    found = stories(vectors, [NOW, NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY])
    assert found == {frozenset({"a0", "a1", "a2"})}


@given(order=st.permutations(range(24)), parts=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_stories_do_not_depend_on_the_order_of_arrival(order: list[int], parts: int) -> None:
    events = units(8)
    vectors = np.stack([near(events[i % 8], 0.9, 100 + i) for i in range(24)])
    times: list[int | None] = [NOW + (i * 7 % 24) * 5 * HOUR for i in range(24)]
    whole = stories(vectors, times)
    assert whole
    assert stories(vectors, times, order, parts) == whole


@pytest.mark.parametrize(("dense", "pairs"), [(0.0, 16_384), (1.0, 16_384), (1.0, 5)])
def test_pairs_are_compared_in_parts_or_as_one_product_with_the_same_result(
    dense: float, pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = np.stack([near(units(1)[0], 0.6 + 0.03 * i, 100 + i) for i in range(12)])
    times: list[int | None] = [NOW + i * 5 * HOUR for i in range(12)]
    whole = stories(vectors, times)
    assert whole
    monkeypatch.setattr(news_events, "_DENSE", dense)
    monkeypatch.setattr(news_events, "_PAIRS", pairs)
    assert stories(vectors, times) == whole


@given(order=st.permutations(range(24)), parts=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_many_copies_make_several_stories_whatever_their_order_of_arrival(order: list[int], parts: int) -> None:
    vectors = np.repeat(units(1), 24, axis=0)
    times: list[int | None] = [NOW + (i // 3) * HOUR for i in range(24)]
    with pytest.MonkeyPatch.context() as few:
        few.setattr("recsys.state.stories.MOST_LINKS", 5)
        whole = stories(vectors, times)
        assert [len(story) for story in whole] == [6] * 4
        assert stories(vectors, times, order, parts) == whole


@given(
    times=st.lists(st.integers(0, 30), min_size=12, max_size=24),
    kinds=st.lists(st.sampled_from(["away", "moved", "changed"]), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_after_changes_the_links_are_those_of_a_new_state(times: list[int], kinds: list[str], seed: int) -> None:
    """A link that an article loses is replaced by that with the next nearest one."""
    rng = np.random.default_rng(seed)
    published: dict[str, int | None] = {f"a{i}": NOW + at * HOUR for i, at in enumerate(times)}
    vectors = dict.fromkeys(published, units(1)[0])
    with pytest.MonkeyPatch.context() as few:
        few.setattr("recsys.state.stories.MOST_LINKS", 4)
        state, table = LiveState(), VectorTable(FITTED)
        put(state, table, published, vectors)
        for kind in kinds:
            id_ = str(rng.choice(list(published)))
            if kind == "away":
                rows = state.articles.lookup([id_])
                state.delete_articles([id_])
                drop_vectors(state, table, rows)
                del published[id_], vectors[id_]
                continue
            if kind == "moved":
                published[id_] = NOW + int(rng.integers(40)) * HOUR
            else:
                vectors[id_] = units(1, int(rng.integers(2, 4)))[0]
            put(state, table, {id_: published[id_]}, vectors)
        found = pairs(state)
        fresh, fresh_table = LiveState(), VectorTable(FITTED)
        put(fresh, fresh_table, published, vectors)
        assert found == pairs(fresh)


def put(
    state: LiveState,
    table: VectorTable,
    published: Mapping[str, int | None],
    vectors: Mapping[str, NDArray[np.float32]],
) -> None:
    """Store articles with their times and vectors."""
    ids = list(published)
    state.upsert_articles(article_rows(ids, list(published.values())))
    put_vectors(state, table, state.articles.lookup(ids), np.stack([vectors[id_] for id_ in ids]))


def pairs(state: LiveState) -> set[tuple[str, ...]]:
    """Return the linked articles by id, the later one first."""
    names = state.articles.strings
    return {tuple(names[row] for row in link) for link in state.catalog.links.tolist()}


def test_articles_that_come_late_to_many_of_one_template_are_linked_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also if they are compared block by block, so that no more links are held than are kept."""
    monkeypatch.setattr("recsys.state.stories.MOST_LINKS", 5)
    monkeypatch.setattr(news_events, "_BLOCK", 4)
    late = {f"b{i}": NOW + i * HOUR for i in range(12)}
    early = {f"a{i}": NOW + i * HOUR + 1 for i in range(12)}
    vectors = dict.fromkeys([*early, *late], units(1)[0])
    held: list[int] = []
    state, table = LiveState(), VectorTable(FITTED)
    link = state.catalog.link
    monkeypatch.setattr(state.catalog, "link", lambda rows, links: (held.append(len(links)), link(rows, links)))
    put(state, table, early, vectors)
    put(state, table, late, vectors)
    assert max(held) <= 24 * 5
    fresh = LiveState()
    put(fresh, VectorTable(FITTED), {**early, **late}, vectors)
    assert pairs(state) == pairs(fresh)


def test_the_links_of_an_article_are_bounded() -> None:
    state, table = LiveState(), VectorTable(FITTED)
    frame = article_rows([f"a{i}" for i in range(1_500)], [NOW] * 1_500)
    state.upsert_articles(frame)
    for rows in np.array_split(state.articles.lookup(frame["id"].to_list()), 2):
        put_vectors(state, table, rows, np.repeat(units(1), len(rows), axis=0))
    counts = np.bincount(state.catalog.links[:, 0])
    assert counts.max() == MOST_LINKS
    assert len(state.catalog.links) <= 1_500 * MOST_LINKS


def test_a_changed_text_leaves_its_story() -> None:
    vectors = np.repeat(units(1), 2, axis=0)
    state, table = LiveState(), VectorTable(FITTED)
    frame = article_rows(["a", "b"], [NOW, NOW])
    state.upsert_articles(frame)
    rows = state.articles.lookup(["a", "b"])
    put_vectors(state, table, rows, vectors)
    assert len(state.catalog.stories().copies) == 2
    put_vectors(state, table, rows[:1], units(1, 9))
    assert not len(state.catalog.stories().copies)
    put_vectors(state, table, rows[:1], vectors[:1])
    state.upsert_articles(article_rows(["a"], [NOW + 9 * DAY]))
    assert not len(state.catalog.stories().copies), "its links were of the old time"


def test_a_deleted_article_leaves_its_story() -> None:
    vectors = np.repeat(units(1), 3, axis=0)
    state, table = LiveState(), VectorTable(FITTED)
    state.upsert_articles(article_rows(["a", "b", "c"], [NOW] * 3))
    put_vectors(state, table, state.articles.lookup(["a", "b", "c"]), vectors)
    state.delete_articles(["b"])
    rows = state.articles.lookup(["a", "c"]).tolist()
    assert sorted(state.catalog.stories().copies.tolist()) == sorted(rows)


def test_without_a_fitted_space_the_spread_is_that_of_the_articles() -> None:
    cone = units(400) + 3 * units(1, 8)
    cone /= np.linalg.norm(cone, axis=1, keepdims=True)
    cosines = (cone @ cone.T)[np.triu_indices(400, 1)]
    assert least_cosine(RAW, cone, np.arange(400)) == pytest.approx(
        min(cosines.mean() + 7.5 * cosines.std(), 0.85), abs=0.03
    )
    assert least_cosine(RAW, cone, np.arange(10)) == 0.97
