"""Export, preferences and erasure of one reader, on every database."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from recsys.domain import DAY, Event, EventKind, RankedItem, Ranking, Slate
from recsys.frames import events_frame, slates_frame
from recsys.store import (
    erasure,
    event_log,
    event_log_reader,
    experiments,
    explicit_preferences,
    gorse_users,
    learning_pauses,
    letters,
    reader_export,
    reader_rows,
)
from recsys.store.database import Database
from recsys.store.gorse_users import UserRecord
from recsys.store.secure_delete import purge_deleted_rows
from recsys.store.tables import DERIVED_READER_TABLES, READER_TABLES, metadata

VICTIM, OTHER = uuid.uuid4().hex, uuid.uuid4().hex
ROWS = {
    "events": 3, "feed_pages": 0, "impressions": 1, "learning_pauses": 1, "letters": 1, "readers": 1,
    "shadow_slates": 1, "unsubscribed": 1, "user_records": 1,
}  # fmt: skip


def event(id: str, reader: str, kind: EventKind = EventKind.CLICK, at: int = DAY, **more: Any) -> Event:
    return Event(id=id, reader=reader, kind=kind, at=at, known_at=at, **({"article": "a"} | more))


def stated(id: str, kind: EventKind, subject: str, at: int = DAY, reader: str = VICTIM) -> Event:
    return event(id, reader, kind, at, article=None, subject=subject)


def append(database: Database, events: list[Event], slates: list[Slate] | None = None) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(events), slates_frame(slates or []))


@pytest.fixture
def filled(database: Database) -> Database:
    events = [event(f"{reader}-{i}", reader, at=DAY + i) for reader in (VICTIM, OTHER) for i in range(3)]
    slates = [
        Slate(id=f"s-{reader}", reader=reader, at=DAY, known_at=DAY, candidates=("a", "b"), scores=(1.0, 0.5))
        for reader in (VICTIM, OTHER)
    ]
    append(database, events, slates)
    with database.write() as connection:
        gorse_users.save(connection, [UserRecord(VICTIM, {"is": VICTIM}), UserRecord(OTHER)], DAY)
        learning_pauses.pause(connection, VICTIM, DAY)
        letters.claim(connection, [VICTIM, OTHER], "2026-11-28", DAY, ())
        for reader in (VICTIM, OTHER):
            letters.unsubscribe(connection, reader, DAY)
            experiments.add_shadow(
                connection, reader, Ranking(f"s-{reader}", "m", DAY, (RankedItem("a", 1.0, 0),))
            )
    return database


def everything(database: Database) -> str:
    """All that any column of any table says."""
    with database.read() as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return repr(rows)


def erase(database: Database, reader: str) -> erasure.Receipt:
    with database.write() as connection:
        return erasure.erase(connection, reader, DAY)


def test_an_export_has_every_row_of_the_reader_and_of_nobody_else(filled: Database) -> None:
    with filled.read() as connection:
        reported = reader_export.export(connection, VICTIM)
    assert {name: len(rows) for name, rows in reported.items()} == ROWS
    assert reported["impressions"][0]["candidates"] == ["a", "b"]
    assert reported["impressions"][0]["scores"] == [1.0, 0.5]
    assert OTHER not in json.dumps(reported)


def test_every_table_with_a_reader_is_personal() -> None:
    assert set(READER_TABLES) | set(DERIVED_READER_TABLES) == {
        table.name for table in metadata.sorted_tables if "reader" in table.c
    } | {"readers"}


def test_erasing_leaves_no_text_of_the_reader_and_all_of_the_others(filled: Database) -> None:
    assert VICTIM in everything(filled)
    receipt = erase(filled, VICTIM)
    purge_deleted_rows(filled)
    assert receipt.counts == ROWS
    assert VICTIM not in everything(filled)
    with filled.read() as connection:
        left = event_log_reader.tail(connection, 0)
        assert reader_rows.is_known_reader(connection, OTHER)
    assert {row.reader for row in left.events} == {row.reader for row in left.slates} == {OTHER}
    assert len(left.events) == 3


def test_an_erasure_has_a_place_in_the_log(filled: Database) -> None:
    with filled.read() as connection:
        before = event_log.position(connection).last_seq
        assert erasure.last_seq(connection) == 0
    receipt = erase(filled, VICTIM)
    append(filled, [event("later", OTHER)])
    with filled.read() as connection:
        assert erasure.last_seq(connection) == receipt.seq == before + 1
        assert event_log.position(connection).last_seq == before + 2
        assert [row.id for row in event_log_reader.tail(connection, receipt.seq).events] == ["later"]


def test_a_receipt_proves_whom_it_is_about_and_that_it_was_given(filled: Database) -> None:
    receipt = erase(filled, VICTIM)
    assert receipt.is_about(VICTIM)
    assert not receipt.is_about(OTHER)
    forged = replace(receipt, counts={"events": 0})
    assert not forged.is_about(VICTIM)
    with filled.read() as connection:
        assert erasure.is_stored(connection, receipt)
        assert not erasure.is_stored(connection, replace(receipt, digest="0" * 64))
    assert receipt.salt not in everything(filled), "with the salt, ids could be guessed from the database"


def test_a_reader_never_met_gets_a_receipt_of_zeros(database: Database) -> None:
    assert set(erase(database, "nobody").counts.values()) == {0}


def test_erasing_readers_never_met_lets_every_state_stand(filled: Database) -> None:
    real = erase(filled, VICTIM)
    receipts = [erase(filled, name) for name in ("nobody", "nor this one")]
    with filled.read() as connection:
        assert erasure.last_seq(connection) == event_log.position(connection).last_seq == real.seq
        assert all(erasure.is_stored(connection, receipt) for receipt in receipts)
    assert receipts[0].is_about("nobody")
    assert not receipts[0].is_about("nor this one")


def test_preferences_are_the_last_word_on_each_subject(database: Database) -> None:
    rows = [
        (EventKind.FOLLOW, "sport"),
        (EventKind.MUTE, "sport"),
        (EventKind.FOCUS, "local"),
        (EventKind.FOLLOW, "economy"),
        (EventKind.UNFOLLOW, "economy"),
        (EventKind.MUTE, "gossip"),
        (EventKind.UNMUTE, "gossip"),
        (EventKind.FOCUS, "sport"),
    ]
    append(database, [stated(f"e{i}", kind, subject, DAY + i) for i, (kind, subject) in enumerate(rows)])
    append(database, [stated("x", EventKind.MUTE, "local", reader=OTHER)])
    with database.read() as connection:
        now = explicit_preferences.load(connection, VICTIM, DAY + len(rows))
        before = explicit_preferences.load(connection, VICTIM, DAY + 1)
        assert explicit_preferences.load(connection, "nobody", DAY) == explicit_preferences.Preferences()
    assert now == explicit_preferences.Preferences(focus=frozenset({"local", "sport"}), mute=frozenset({"sport"}))
    assert before == explicit_preferences.Preferences(follow=frozenset({"sport"})), "strictly before"
