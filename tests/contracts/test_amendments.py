"""A reading is sent once and amended: the largest value wins at every door, on every database."""

import threading

import polars as pl
import pytest

from ingest import generic_schema, validate, writer
from ingest.raw_batch import RAW_ARTICLES, RAW_SLATES
from recsys.domain import DAY, SECOND, Event, EventKind
from recsys.frames import empty, events_frame
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.state.live_state import LiveState
from recsys.store import event_log, event_log_reader
from recsys.store.amended_values import MOST_PARTS, RowOutcome
from recsys.store.database import Database

DONE, SAME, OTHER = RowOutcome.STORED, RowOutcome.DUPLICATE, RowOutcome.CONFLICT


def read(value: float, id: str = "e", reader: str = "r", kind: EventKind = EventKind.READ) -> Event:
    at = DAY + round(value * SECOND)
    return Event(id=id, reader=reader, kind=kind, article="a", at=at, known_at=at, value=value)


def received(database: Database, *events: Event) -> list[RowOutcome]:
    return LogWriter(database, Clock()).append_events(events).result()


def appended(database: Database, *events: Event) -> event_log.Appended:
    with database.write() as connection:
        return event_log.append_frames(connection, events_frame(events), None)


def stored(database: Database) -> dict[str, float]:
    with database.read() as connection:
        frames = [chunk.events for chunk in event_log_reader.stream(connection)]
    return {row["id"]: row["value"] for frame in frames for row in frame.rows(named=True)}


def test_a_larger_value_is_stored_as_the_part_that_it_adds(database: Database) -> None:
    assert received(database, read(10.0)) == [DONE]
    assert received(database, read(25.5), read(40.1)) == [DONE, DONE]
    assert stored(database) == {"e": 10.0, "e~1": 15.5, "e~2": 14.6}


def test_smaller_and_equal_values_and_retries_store_nothing(database: Database) -> None:
    values = [10.1, 20.3, 48.7]
    assert received(database, *map(read, values)) == [DONE] * 3
    for _ in range(3):
        assert received(database, *map(read, [*values, 0.0, 48.69])) == [SAME] * 5
    assert sum(stored(database).values()) == pytest.approx(48.7)
    assert len(stored(database)) == 3


def test_a_scroll_keeps_its_largest_level(database: Database) -> None:
    levels = [read(value, kind=EventKind.SCROLL) for value in (30.0, 80.0, 50.0, 80.0)]
    assert received(database, *levels) == [DONE, DONE, SAME, SAME]
    assert stored(database) == {"e": 30.0, "e~1": 80.0}


def test_only_the_same_reading_is_amended(database: Database) -> None:
    like = Event(id="l", reader="r", kind=EventKind.LIKE, article="a", at=DAY, known_at=DAY, value=1.0)
    received(database, read(10.0), like)
    assert received(database, read(20.0, reader="thief")) == [OTHER]
    assert received(database, read(20.0, kind=EventKind.SCROLL)) == [OTHER]
    assert received(database, Event(**{**_fields(like), "value": 2.0})) == [OTHER]
    assert stored(database) == {"e": 10.0, "l": 1.0}


def test_an_id_that_looks_like_a_part_is_skipped(database: Database) -> None:
    received(database, read(3.0, id="e~1", reader="other"))
    assert received(database, read(10.0), read(20.0), read(7.0, id="e~2", reader="x"), read(30.0)) == [
        DONE, DONE, OTHER, DONE,
    ]  # fmt: skip
    assert stored(database) == {"e~1": 3.0, "e": 10.0, "e~2": 10.0, "e~3": 10.0}


def test_concurrent_amendments_add_up_to_the_largest(database: Database) -> None:
    writers = [LogWriter(database, Clock()) for _ in range(4)]

    def send(sender: LogWriter) -> None:
        for value in range(1, 21):
            sender.append_events([read(float(value))]).result()

    threads = [threading.Thread(target=send, args=(each,)) for each in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored(database).values()) == 20.0


def test_many_parts_are_found_again_and_end(database: Database) -> None:
    values = [float(value) for value in range(1, MOST_PARTS + 2)]
    assert set(received(database, *map(read, values))) == {DONE}
    assert received(database, read(values[-1])) == [SAME]
    assert received(database, read(values[-1] + 1)) == [OTHER]
    assert sum(stored(database).values()) == values[-1]


def test_frames_are_amended_by_the_same_rule(database: Database) -> None:
    first = appended(database, read(10.0), read(30.0), read(20.0), read(5.0, id="f"))
    assert (first.events_stored, first.events_duplicate, first.event_conflicts.height) == (3, 1, 0)
    again = appended(database, read(30.0), read(45.0), read(9.0, id="f", reader="thief"))
    assert (again.events_stored, again.events_duplicate, again.event_conflicts.height) == (1, 1, 1)
    assert stored(database) == {"e": 10.0, "e~1": 20.0, "f": 5.0, "e~2": 15.0}


def test_rows_of_files_are_amended_and_all_counted(database: Database) -> None:
    line = {"id": "e", "reader": "r", "article": "a", "kind": "read", "at": "2024-01-01T00:00:00Z"}
    other = {**line, "kind": "click"}
    rows = [{**line, "value": 10}, {**line, "value": 30}, {**line, "value": 20}, {**line, "value": 10}, other]
    places = pl.DataFrame({"row": range(5)}).with_columns(
        file=pl.lit("f"), raw=pl.lit(None, dtype=pl.String), row=pl.col("row").cast(pl.Int64)
    )
    checked = validate.events(generic_schema.from_rows(rows, places, "events").rows, 2 * 10**15)
    with database.write() as connection:
        outcome = writer.store(connection, empty(RAW_ARTICLES), checked.good, empty(RAW_SLATES))
    assert (outcome.counts["events.stored"], outcome.counts["events.duplicate"]) == (2, 2)
    assert outcome.rejects["row"].to_list() == [4]
    assert stored(database) == {"e": 10.0, "e~1": 20.0}


def test_the_fold_sees_one_reading_of_the_largest_value(sqlite_database: Database) -> None:
    click = Event(id="c", reader="r", kind=EventKind.CLICK, article="a", at=DAY, known_at=DAY)
    received(sqlite_database, click, read(10.0), read(48.5), read(90.0))
    state = LiveState()
    with sqlite_database.read() as connection:
        for chunk in event_log_reader.stream(connection):
            state.apply(state.encode(chunk.events, chunk.slates))
    reads = state.histories.of(state.readers.get("r"), 10)
    assert reads.seconds.tolist() == [90.0]


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in Event.__dataclass_fields__}
