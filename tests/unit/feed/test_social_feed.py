"""Sources, reasons, caps and the chronological control of a social feed."""

import numpy as np

from recsys.domain import HOUR, Article, Event, EventKind, FeedRequest
from recsys.feed.chronological import chronological
from recsys.feed.engine import FeedEngine
from recsys.feed.query_builder import build_query
from recsys.feed.selection.caps import caps
from recsys.frames import articles_frame
from recsys.projection.vector_table import VectorTable
from recsys.state.live_state import LiveState
from tests.unit.ranking.requests import NOW
from tests.unit.ranking.test_social_features import network


def engine(state: LiveState) -> FeedEngine:
    vectors = VectorTable(np.zeros((len(state.articles), 4), np.float32))
    return FeedEngine(state=state, vectors=vectors)


def feed(state: LiveState, reader: str = "me") -> dict[str, tuple[str, set[str]]]:
    """Return for each post its source and the codes of its reasons."""
    slate = engine(state).recommend(FeedRequest(request_id="r", as_of=NOW, reader=reader, limit=10))
    return {item.id: (item.source, {reason.code for reason in item.reasons}) for item in slate.ranking.items}


def test_posts_come_from_the_circle_with_reasons() -> None:
    found = feed(network())
    assert found["by ann"][0] == "followed_authors"
    assert found["by ann"][1] >= {"liked_by_followed", "follows_you"}
    assert found["below cem"][0] == "own_threads"
    assert "your_thread" in found["below cem"][1]


def test_likes_of_followed_people_bring_posts_of_strangers() -> None:
    state = network()
    state.upsert_articles(articles_frame([Article(id="far", title="Far", author="eve", published_at=NOW - HOUR)]))
    like = Event(id="x", reader="ann", kind=EventKind.LIKE, at=NOW - 1, known_at=NOW - 1, article="far")
    state.apply(state.encode_few([like], []))
    source, codes = feed(state)["far"]
    assert source == "liked_by_followed"
    assert "liked_by_followed" in codes


def test_own_posts_are_not_in_the_feed() -> None:
    found = feed(network(), "ann")
    assert "by ann" not in found
    assert "by cem" in found


def test_chronological_puts_followed_people_first() -> None:
    state = network()
    state.upsert_articles(articles_frame([Article(id="new", title="New", author="eve", published_at=NOW - 1)]))
    request = FeedRequest(request_id="r", as_of=NOW, reader="me")
    query = build_query(state, engine(state).vectors, request)
    rows = chronological(state, query, state.rows_of(["new", "by cem", "by ann"]), 2)
    assert [state.articles.strings[row] for row in rows.tolist()] == ["by ann", "new"]


def test_an_author_is_capped_only_among_posts() -> None:
    state = network()
    rows = state.rows_of(["by ann", "by cem", "below cem", "anonymous"])
    none = np.zeros(0, dtype=np.int64)
    assert len(caps(state.catalog, rows, none)) == 2
    authors = caps(state.catalog, rows, none, posts=True)[2]
    assert authors.codes[3] < 0
    assert authors.most(20).max() == 5  # a quarter of the candidates: more than the least share of 3
