"""Stored sources, on every database."""

from typing import Any

from recsys.store import feed_sources
from recsys.store.database import Database
from recsys.store.feed_sources import FeedSource, SourceCounts


def a_source(url: str, **changes: Any) -> FeedSource:
    return FeedSource(**{"url": url, "interval": 900, "next_at": 10, **changes})


FULL = a_source(
    "https://ü.example/feed?a='1'", full_text=True, etag='"e"', last_modified="then", digest="d", checked_at=2**60,
    changed_at=5, failures=2, error="🗞 away", articles=2**40,
)  # fmt: skip


def test_a_source_comes_back_as_it_was_stored(database: Database) -> None:
    with database.write() as connection:
        assert feed_sources.add(connection, [FULL, a_source("b"), a_source("b")]) == 2
        assert feed_sources.add(connection, []) == 0
    with database.read() as connection:
        assert feed_sources.all_sources(connection) == [a_source("b"), FULL]
        assert feed_sources.get(connection, ["b", "c"]) == [a_source("b")]


def test_a_known_source_stays_when_it_is_added_and_changes_when_it_is_saved(database: Database) -> None:
    with database.write() as connection:
        feed_sources.add(connection, [a_source("a", failures=3)])
        assert feed_sources.add(connection, [a_source("a", interval=1)]) == 0
        assert feed_sources.get(connection, ["a"]) == [a_source("a", failures=3)]
        feed_sources.save(connection, a_source("a", error="new"))
        assert feed_sources.get(connection, ["a"]) == [a_source("a", error="new")]
        assert feed_sources.remove(connection, "a")
        assert not feed_sources.remove(connection, "a")
        feed_sources.save(connection, a_source("a"))
        assert feed_sources.all_sources(connection) == []


def test_sources_are_due_in_the_order_of_their_time_and_never_when_they_are_gone(database: Database) -> None:
    with database.write() as connection:
        assert feed_sources.next_due(connection) is None
        for url, at in (("late", 30), ("first", 10), ("second", 20), ("gone", None)):
            feed_sources.add(connection, [a_source(url, next_at=at)])
        assert [source.url for source in feed_sources.due(connection, 20, 9)] == ["first", "second"]
        assert [source.url for source in feed_sources.due(connection, 99, 1)] == ["first"]
        assert feed_sources.next_due(connection) == 10


def test_sources_are_counted_by_state(database: Database) -> None:
    with database.write() as connection:
        assert feed_sources.counts(connection) == SourceCounts(0, 0, 0, None)
        feed_sources.add(connection, [a_source("a", checked_at=7), a_source("b", checked_at=9, failures=1)])
        feed_sources.add(connection, [a_source("c"), a_source("d", next_at=None, failures=1)])
        assert feed_sources.counts(connection) == SourceCounts(2, 1, 1, 7)
