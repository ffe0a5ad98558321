"""Feedback, users and items of Gorse's API, on every database."""

from dataclasses import replace

import pytest

from recsys.domain import DAY, SECOND, Article, Event, EventKind, Slate
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.store import articles, erasure, event_log, gorse_feedback, gorse_items, gorse_users
from recsys.store.database import Database
from recsys.store.gorse_feedback import FeedbackKey
from recsys.store.gorse_items import ItemRecord
from recsys.store.gorse_users import UserRecord

ITEM = ItemRecord("i", {"any": [1, None, "\0\u20ac"]}, ("a", "b"), "comment")


def event(id_: str, article: str, kind: EventKind, at: int, value: float | None = None) -> Event:
    return Event(id=id_, reader="r", kind=kind, at=at, known_at=at, article=article, value=value)


@pytest.fixture
def filled(database: Database) -> Database:
    rows = [
        event(gorse_feedback.event_id("0" * 32, "star"), "a", EventKind.LIKE, DAY),
        event(gorse_feedback.event_id("1" * 32, "star"), "a", EventKind.LIKE, DAY + 1, 2.0),
        event("native", "a", EventKind.READ, DAY, 30.0),
        event(gorse_feedback.event_id("2" * 32, "Zeta"), "b", EventKind.CLICK, DAY),
        Event(id="mute", reader="r", kind=EventKind.MUTE, at=DAY, known_at=DAY, subject="sport"),
    ]
    slates = [
        Slate(
            id=f"s{i}",
            reader="r",
            at=DAY + i,
            known_at=DAY + i,
            candidates=(f"x{i}", "y"),
            session=gorse_feedback.write_back("read", 10.0 * i),
        )
        for i in range(3)
    ]
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(rows), slates_frame(slates))
    return database


def listed(
    database: Database, which: FeedbackKey, after: FeedbackKey | None = None, count: int = 10
) -> list[tuple[str, str, float]]:
    with database.read() as connection:
        return [
            (each.article, each.type, each.value)
            for each in gorse_feedback.list_feedback(connection, which, after, count)
        ]


def test_acts_of_one_type_are_one_row_and_bytewise_in_order(filled: Database) -> None:
    assert listed(filled, FeedbackKey()) == [("a", "read", 30.0), ("a", "star", 2.0), ("b", "Zeta", 0.0)]
    assert listed(filled, FeedbackKey(type="star")) == [("a", "star", 2.0)]
    assert listed(filled, FeedbackKey("r", "b")) == [("b", "Zeta", 0.0)]
    assert listed(filled, FeedbackKey("other")) == []
    assert listed(filled, FeedbackKey(), FeedbackKey("r", "a", "read"), 1) == [("a", "star", 2.0)]
    assert listed(filled, FeedbackKey(), FeedbackKey("r", "a", "star")) == [("b", "Zeta", 0.0)]


def test_retracting_is_an_entry_of_the_log_and_only_if_something_went(filled: Database) -> None:
    with filled.write() as connection:
        before = event_log.position(connection).last_seq
        assert gorse_feedback.delete_events(connection, [FeedbackKey("r", "none")], []) == 0
        assert event_log.position(connection).last_seq == before
        assert (
            gorse_feedback.delete_events(
                connection, [FeedbackKey("r", "a", "star")], [gorse_feedback.event_id("1" * 32, "star")]
            )
            == 1
        )
        assert erasure.last_seq(connection) == event_log.position(connection).last_seq == before + 1
        assert erasure.last_at(connection) == 0, "nobody was erased"
    assert listed(filled, FeedbackKey(type="star")) == [("a", "star", 2.0)]


def test_written_back_slates_count_after_their_delay(filled: Database) -> None:
    with filled.read() as connection:
        assert gorse_feedback.write_back_articles(connection, "r", DAY + 1) == {"x0", "y"}
        assert gorse_feedback.write_back_articles(connection, "r", DAY + 10 * SECOND + 1) == {"x0", "x1", "y"}
        assert gorse_feedback.write_back_articles(connection, "other", 2 * DAY) == set()


def test_the_last_shown_articles_come_newest_first_and_not_more(filled: Database) -> None:
    with filled.read() as connection:
        assert gorse_feedback.last_shown(connection, "r", 0, 3) == ["x2", "y", "x1"]
        assert gorse_feedback.last_shown(connection, "r", 0, 1) == ["x2"]
        assert gorse_feedback.last_shown(connection, "r", DAY + 3, 9) == []


def test_users_are_readers_and_readers_are_users(filled: Database) -> None:
    with filled.write() as connection:
        gorse_users.save(connection, [UserRecord("u"), UserRecord("u", {"x": "\0"}, "last")], DAY)
        assert gorse_users.page(connection, "", 10) == [UserRecord("r"), UserRecord("u", {"x": "\0"}, "last")]
        assert gorse_users.page(connection, "r", 10) == [UserRecord("u", {"x": "\0"}, "last")]
        assert gorse_users.get(connection, "nobody") is None


def test_item_records_are_replaced_listed_and_forgotten(database: Database) -> None:
    other = replace(ITEM, id="other")
    with database.write() as connection:
        articles.upsert(connection, articles_frame([Article(id="i", title="t")]))
        gorse_items.save(connection, [replace(ITEM, comment="first"), ITEM, other])
        assert gorse_items.get(connection, ["i", "other", "none"]) == {"i": ITEM, "other": other}
        assert gorse_items.page(connection, "", 10) == ["i"], "a record without an article is no item"
        assert gorse_items.page(connection, "", 10, "COMM") == ["i"]
        assert gorse_items.page(connection, "", 10, "%") == []
        assert gorse_items.delete(connection, "i")
        assert not gorse_items.delete(connection, "i")
