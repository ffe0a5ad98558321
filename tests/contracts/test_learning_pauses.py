"""Pauses of learning, on every database: what the log takes of a reader meanwhile."""

from typing import Any

import polars as pl

from recsys.domain import DAY, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.store import event_log, learning_pauses
from recsys.store.amended_values import RowOutcome
from recsys.store.database import Database

PAUSED, OTHER = "paused", "other"


def event(id: str, kind: EventKind, reader: str = PAUSED, **more: Any) -> Event:
    about = {"subject": "sport"} if kind is EventKind.MUTE else {"article": "a"}
    return Event(id=id, reader=reader, kind=kind, at=DAY, known_at=DAY, **about, **more)


def slate(id: str, reader: str = PAUSED) -> Slate:
    return Slate(id=id, reader=reader, at=DAY, known_at=DAY, candidates=("a", "b"))


EVENTS = [
    event("1", EventKind.CLICK),
    event("2", EventKind.HIDE),
    event("3", EventKind.READ, value=30.0),
    event("4", EventKind.MUTE),
    event("5", EventKind.DISLIKE),
    event("6", EventKind.CLICK, reader=OTHER),
    event("7", EventKind.LIKE),
]
SLATES = [slate("s1"), slate("s2", OTHER)]
TAKEN = {"2", "4", "5", "6"}


def pause(database: Database) -> None:
    with database.write() as connection:
        learning_pauses.pause(connection, PAUSED, 1)


def stored(database: Database) -> tuple[set[str], set[str]]:
    with database.read() as connection:
        return tuple(  # type: ignore[return-value]
            set(connection.exec_driver_sql(f"SELECT id FROM {table}").scalars())
            for table in ("events", "impressions")
        )


def test_single_rows_of_a_paused_reader_are_left_out_but_for_choices(database: Database) -> None:
    pause(database)
    with database.write() as connection:
        appended = event_log.append_rows(connection, EVENTS, SLATES, event_log.lock(connection))
    taken = [RowOutcome.STORED if each.id in TAKEN else RowOutcome.PAUSED for each in EVENTS]
    assert appended.events == taken
    assert appended.last_seq == len(TAKEN) + 1
    assert stored(database) == (TAKEN, {"s2"})


def test_rows_of_files_of_a_paused_reader_are_left_out_and_returned(database: Database) -> None:
    pause(database)
    with database.write() as connection:
        appended = event_log.append_frames(connection, events_frame(EVENTS), slates_frame(SLATES))
    assert set(appended.events_paused["id"]) == {each.id for each in EVENTS} - TAKEN
    assert appended.slates_paused["id"].to_list() == ["s1"]
    assert (appended.events_stored, appended.slates_stored) == (len(TAKEN), 1)
    assert stored(database) == (TAKEN, {"s2"})


def test_learning_goes_on_when_the_reader_resumes(database: Database) -> None:
    pause(database)
    pause(database)
    with database.write() as connection:
        learning_pauses.resume(connection, PAUSED)
        learning_pauses.resume(connection, "nobody")
        appended = event_log.append_frames(connection, events_frame(EVENTS), slates_frame(SLATES))
    assert appended.events_paused.is_empty()
    assert stored(database)[0] == {each.id for each in EVENTS}


def test_a_reading_is_not_amended_during_a_pause(database: Database) -> None:
    first, longer = (event("1", EventKind.READ, value=seconds) for seconds in (10.0, 60.0))
    with database.write() as connection:
        event_log.append_rows(connection, [first], [], event_log.lock(connection))
        learning_pauses.pause(connection, PAUSED, 1)
        appended = event_log.append_rows(connection, [longer], [], event_log.lock(connection))
        assert appended.events == [RowOutcome.PAUSED]
        assert event_log.append_frames(connection, events_frame([longer]), None).events_paused[
            "value"
        ].to_list() == [60.0]


def test_only_the_paused_among_many_readers_are_found(database: Database) -> None:
    pause(database)
    with database.read() as connection:
        many = [f"r{number}" for number in range(5_000)]
        assert learning_pauses.paused_among(connection, [*many, PAUSED]) == {PAUSED}
        assert learning_pauses.paused_among(connection, []) == frozenset()
        frame = pl.DataFrame({"reader": many[:3]})
        assert learning_pauses.without_paused(connection, frame)[0].equals(frame)
