"""A story stands once in every list, and its copies count as read with it."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import HOUR, Article, Event, EventKind, FeedRequest, HistoryItem, RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.non_personalized import ListQuery, latest, similar, trending
from recsys.feed.retrieval import one_per_story
from tests.unit.feed.newsrooms import NOW, did, engine, papers, read

PAGE = "https://www.example.org/a"
COPIES = (PAGE, "https://example.org/a?utm_source=x", "https://example.org/amp/a", "https://m.example.org/a#top")
STORY = {"a036", "copy1", "copy2", "copy3"}


def newsroom() -> list[Article]:
    """Forty articles; three more are copies of a036, the newest of its category."""
    every = papers()
    original = dataclasses.replace(every[36], url=PAGE)
    twins = [dataclasses.replace(original, id=f"copy{i}", url=COPIES[i]) for i in (1, 2, 3)]
    return [*every[:36], original, *every[37:], *twins]


def feed(of: FeedEngine, reader: str = "r", **more: object) -> list[str]:
    request = FeedRequest(request_id="q", as_of=NOW, reader=reader, limit=60, **more)  # type: ignore[arg-type]
    return [item.id for item in of.recommend(request).ranking.items]


def test_a_story_is_one_place_in_every_list() -> None:
    of = engine(newsroom(), read("r", "a004"))
    lists: list[Sequence[str]] = [
        feed(of),
        feed(of, "new", explore=0.5),
        feed(of, minutes=60.0),
        latest(of, ListQuery(NOW, 60)),
        trending(of, ListQuery(NOW, 60)),
        similar(of, "a032", ListQuery(NOW, 60)),
        latest(of, ListQuery(NOW, 60, "sport")),
    ]
    for ids in lists:
        assert len(STORY.intersection(ids)) == 1
    assert len(feed(of, "new")) == 40
    assert not STORY.intersection(similar(of, "copy2", ListQuery(NOW, 60)))


def test_the_copy_that_is_clicked_most_stands_for_the_story() -> None:
    clicks = [did(f"q{i}", EventKind.CLICK, "copy2", HOUR + i) for i in range(3)]
    of = engine(newsroom(), clicks)
    assert trending(of, ListQuery(NOW, 1)) == ["copy2"]
    assert "copy2" in feed(of)


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 2**16))
@settings(deadline=None, max_examples=50)
def test_of_each_story_the_most_clicked_then_the_first_allowed_copy_stays(clicked: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    urls = [f"https://example.org/{page}" for page in rng.integers(4, size=10).tolist()]
    times = rng.integers(1, 4, size=10).tolist()
    pages = [
        dataclasses.replace(paper, url=url, published_at=at)
        for paper, url, at in zip(papers(10), urls, times, strict=True)
    ]
    clicks = [did(f"q{number}", EventKind.CLICK, pages[at].id, HOUR) for number, at in enumerate(clicked)]
    state = engine(pages, clicks).state
    allowed = rng.random(len(state.first_shown)) < 0.7
    allowed &= state.catalog.described
    best: dict[str | None, tuple[int, int, int, int]] = {}
    for page in pages:
        row = state.articles.get(page.id)
        key = (-clicked.count(pages.index(page)), page.published_at, int(state.catalog.tie_break_hash[row]), row)
        if allowed[row]:
            best[page.url] = min(best.get(page.url, key), key)
    assert set(np.flatnonzero(one_per_story(state, allowed)).tolist()) == {row for *_, row in best.values()}


@pytest.mark.parametrize("kind", [EventKind.CLICK, EventKind.READ, EventKind.HIDE])
@pytest.mark.parametrize("seen", ["a036", "copy1"])
def test_copies_are_read_or_hidden_with_the_story(kind: EventKind, seen: str) -> None:
    of = engine(newsroom(), [did("r", kind, seen, HOUR, 60.0)])
    assert not STORY.intersection(feed(of))
    assert STORY.intersection(feed(of, "another"))


def test_copies_are_excluded_with_the_story() -> None:
    of = engine(newsroom())
    assert not STORY.intersection(feed(of, exclude=frozenset(["copy3"])))


def test_pages_do_not_repeat_a_story() -> None:
    of, ids = engine(newsroom()), list[str]()
    remaining = None
    for page in range(4):
        request = FeedRequest(request_id=f"q{page}", as_of=NOW + page, reader="r", limit=10)
        slate = of.recommend(request, remaining)
        remaining = slate.remaining
        ids += [item.id for item in slate.ranking.items]
    assert len(ids) == 40
    assert len(STORY.intersection(ids)) == 1


def test_a_copy_is_no_reason() -> None:
    events: list[Event] = read("r", "copy1")
    of = engine(newsroom(), events)
    request = RankRequest(request_id="q", as_of=NOW, candidates=("a036", "a032"), reader="r")
    reasons = {item.id: [why.article for why in item.reasons] for item in of.rank(request, explain=True).items}
    assert "copy1" in reasons["a032"]
    assert "copy1" not in reasons["a036"]


def test_ranking_keeps_all_its_candidates() -> None:
    ids = tuple(sorted(STORY))
    history = (HistoryItem("a036"),)
    ranking = engine(newsroom()).rank(RankRequest(request_id="q", as_of=NOW, candidates=ids, history=history))
    assert sorted(item.id for item in ranking.items) == list(ids)


def test_an_answer_names_the_story_and_its_other_articles() -> None:
    of = engine(newsroom(), read("r", "a004"))
    request = FeedRequest(request_id="q", as_of=NOW, reader="r", limit=60)
    items = {item.id: item for item in of.recommend(request).ranking.items}
    (shown,) = STORY.intersection(items)
    assert {items[shown].story, shown, *items[shown].also_in} == STORY
    assert len(items[shown].also_in) == 3
    assert (items["a001"].story, items["a001"].also_in) == ("a001", ())


def test_the_operator_can_let_a_read_story_go_on() -> None:
    of = engine(newsroom(), read("r", "copy1"))
    lasting = dataclasses.replace(of, limits=dataclasses.replace(of.limits, whole_stories=False))
    assert not STORY.intersection(feed(of))
    assert len(STORY.intersection(feed(lasting))) == 1
    assert "copy1" not in feed(lasting)
