"""Going on with a feed, page by page, while readers do things."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recsys.domain import Event, EventKind, FeedRequest
from recsys.errors import RequestError
from recsys.frames import articles_frame, events_frame
from recsys.serving.feed_service import FeedService
from recsys.serving.pagination import LIFETIME, FeedPage
from recsys.settings import Settings
from recsys.store import articles, event_log, feed_cursors
from recsys.store.database import Database
from recsys.store.tables import feed_pages
from tests.trained import HashEncoder
from tests.unit.feed.newsrooms import papers


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[FeedService]:
    settings = Settings(home=tmp_path / "home", index="exact", device="cpu", _env_file=None)  # type: ignore[call-arg]
    with database.write() as connection:
        articles.upsert(connection, articles_frame(papers(60)))
    started = FeedService(database, settings, HashEncoder())
    started.start()
    assert started.ready.wait(30)
    yield started
    started.stop()


def page(service: FeedService, cursor: str | None = None, reader: str = "r", **requested: Any) -> FeedPage:
    return service.feed(
        FeedRequest(
            request_id=uuid.uuid4().hex, as_of=0, reader=reader, **{"limit": 10, "explore": 0.3, **requested}
        ),
        cursor,
    )


def ids(of: FeedPage) -> list[str]:
    return [item.id for item in of.ranking.items]


def click(service: FeedService, article: str, reader: str = "r") -> None:
    at = service.clock.next()
    event = Event(id=f"click-{article}", reader=reader, kind=EventKind.CLICK, at=at, known_at=at, article=article)

    def write() -> object:
        with service.database.write() as connection:
            return event_log.append_frames(connection, events_frame([event]), None)

    service.between_answers(write)


def through(service: FeedService, first: FeedPage, between: Callable[[], None] = lambda: None) -> list[str]:
    seen, cursor = ids(first), first.cursor
    while cursor is not None:
        between()
        following = page(service, cursor)
        seen += ids(following)
        cursor = following.cursor
    return seen


def test_all_pages_together_are_every_article_once(service: FeedService) -> None:
    seen = through(service, page(service))
    assert len(seen) == len(set(seen)) == 60


def test_no_page_repeats_or_skips_while_others_read_and_articles_appear(service: FeedService) -> None:
    first = page(service)
    others = iter(range(60))

    def between() -> None:
        click(service, f"a{next(others):03}", reader="somebody else")

    seen = through(service, first, between)
    assert len(seen) == len(set(seen)) == 60


def test_articles_read_meanwhile_are_dropped(service: FeedService) -> None:
    first = page(service)
    later = next(f"a{i:03}" for i in range(60) if f"a{i:03}" not in ids(first))
    click(service, later)
    assert sorted([*through(service, first), later]) == [f"a{i:03}" for i in range(60)]


def test_a_feed_goes_on_with_its_first_parameters(service: FeedService) -> None:
    first = page(service, category="sport", exclude=frozenset({"a000"}), limit=4)
    following = page(service, first.cursor, limit=50)
    assert len(following.ranking.items) == 4
    assert {int(id_[1:]) % 4 for id_ in through(service, first)} == {0}
    assert "a000" not in through(service, first)


def test_every_page_is_a_slate_of_its_own_in_the_log(service: FeedService) -> None:
    first = page(service)
    following = page(service, first.cursor)
    assert first.ranking.request_id != following.ranking.request_id
    state = service.with_engine(lambda engine, _: engine.state)
    assert len(state.exposures.of(state.readers.get("r"))[0]) == 20


@pytest.mark.parametrize("wrong", ["", "never given", "' OR 1=1 --"])
def test_an_unknown_cursor_is_refused(service: FeedService, wrong: str) -> None:
    with pytest.raises(RequestError, match="first page again"):
        page(service, wrong)


def test_a_cursor_is_of_one_reader(service: FeedService) -> None:
    with pytest.raises(RequestError, match="first page again"):
        page(service, page(service).cursor, reader="another")


def test_a_cursor_expires_and_is_swept_away(service: FeedService) -> None:
    first = page(service)
    assert first.cursor is not None
    service.clock.at_least(service.clock.next() + LIFETIME)
    with pytest.raises(RequestError, match="expired"):
        page(service, first.cursor)
    with service.database.write() as connection:
        assert feed_cursors.sweep(connection, service.clock.next()) == 1
        assert feed_cursors.sweep(connection, service.clock.next()) == 0


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("request", '{"limit": 10, "exclude": [], "of_tomorrow": 1}'),
        ("request", '{"limit": 10}'),
        ("request", "[]"),
        ("request", "not JSON"),
        ("rest", '["model", []]'),
        ("rest", "{}"),
        ("rest", "not JSON"),
    ],
)
def test_a_cursor_that_another_version_kept_is_refused(service: FeedService, column: str, text: str) -> None:
    first = page(service)
    with service.database.write() as connection:
        connection.execute(sa.update(feed_pages).values({column: text}))
    with pytest.raises(RequestError, match="another version: request the first page again"):
        page(service, first.cursor)


def test_a_budget_is_spent_by_one_page(service: FeedService) -> None:
    answer = page(service, minutes=5.0)
    assert answer.cursor is None
    assert 0 < sum(item.minutes or 0 for item in answer.ranking.items) <= 5.0
    assert all(item.propensity == 1 for item in answer.ranking.items)
