"""Tables of the console, on every database."""

import polars as pl
import pytest

from recsys.domain import DAY
from recsys.frames import EVENTS, SLATES, empty
from recsys.store import console_sessions, erasure, event_log, traffic
from recsys.store.console_sessions import SessionRow
from recsys.store.database import Database
from recsys.store.traffic import PERIOD, Traffic

NOW = 40_000 * PERIOD


def test_a_session_is_found_until_it_ends(database: Database) -> None:
    row = SessionRow("d" * 64, "k", 10, 10)
    with database.write() as connection:
        console_sessions.add(connection, row)
        console_sessions.record_use(connection, row.digest, 30)
        console_sessions.record_use(connection, row.digest, 20)
    with database.write() as connection:
        assert console_sessions.find(connection, row.digest) == SessionRow(row.digest, "k", 10, 30)
        assert console_sessions.find(connection, "other") is None
        assert console_sessions.end(connection, row.digest)
        assert not console_sessions.end(connection, row.digest)


def test_sessions_that_nobody_uses_are_deleted(database: Database) -> None:
    with database.write() as connection:
        for at in (10, 20, 30):
            console_sessions.add(connection, SessionRow(f"d{at}", "k", at, at))
        assert console_sessions.sweep(connection, 20) == 1
        assert console_sessions.find(connection, "d20") is not None


def events(start: int, *rows: tuple[str, float | None, str | None], offset: int = 0) -> pl.DataFrame:
    """Events (kind, value, request id) a second apart."""
    made = [
        {
            "id": f"e{start + offset}-{i}",
            "reader": "r",
            "kind": kind,
            "at": start + i,
            "known_at": start + i,
            "article": f"a{i}",
            "value": value,
            "request_id": quoted,
        }
        for i, (kind, value, quoted) in enumerate(rows)
    ]
    return pl.concat([empty(EVENTS), pl.DataFrame(made, schema_overrides=EVENTS)], how="diagonal")


def slates(start: int, *sizes: int) -> pl.DataFrame:
    made = [
        {
            "id": f"s{start}-{i}",
            "reader": "r",
            "at": start + i,
            "known_at": start + i,
            "candidates": [f"a{n}" for n in range(size)],
            "ordered": True,
        }
        for i, size in enumerate(sizes)
    ]
    return pl.concat([empty(SLATES), pl.DataFrame(made, schema_overrides=SLATES)], how="diagonal")


def update(database: Database, now: int = NOW) -> bool:
    with database.read() as connection:
        found = traffic.pending(connection, now)
    if found is None:
        return False
    with database.write() as connection:
        return traffic.apply(connection, found, now)


def counted(database: Database) -> list[Traffic]:
    with database.read() as connection:
        return traffic.since(connection, 0)


def append(database: Database, rows: pl.DataFrame, shown: pl.DataFrame | None = None) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, rows, empty(SLATES) if shown is None else shown)


def test_the_rows_of_a_period_are_counted_once(database: Database) -> None:
    first, second = NOW - 10 * PERIOD, NOW - 8 * PERIOD
    append(
        database,
        events(first, ("click", None, "s"), ("click", None, None), ("read", 30.0, None), ("read", 5_000.0, None)),
        slates(first, 3, 5),
    )
    append(database, events(second, ("like", None, None)))
    assert update(database)
    expected = [Traffic(first, 2, 8, 4, 2, 1, 630.0), Traffic(second, 0, 0, 1, 0, 0, 0.0)]
    assert counted(database) == expected
    assert not update(database), "nothing is new"
    assert counted(database) == expected


def test_rows_that_arrive_later_count_in_the_period_they_belong_to(database: Database) -> None:
    start = NOW - 10 * PERIOD
    append(database, events(start, ("click", None, None)))
    assert update(database)
    append(database, events(start, ("click", None, None), ("share", None, None), offset=1))
    assert update(database)
    assert [(each.events, each.opened) for each in counted(database)] == [(3, 2)]


def test_a_period_is_counted_in_as_many_updates_as_it_needs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "_MOST_ROWS", 2)
    start = NOW - 10 * PERIOD
    append(database, events(start, *[("click", None, None)] * 3, ("read", 30.0, None)), slates(start, 3, 5))
    updates = 0
    while update(database):
        updates += 1
        append(database, events(start, ("read", 10.0, None), offset=updates) if updates == 1 else empty(EVENTS))
    assert updates == 4
    assert counted(database) == [Traffic(start, 2, 8, 5, 3, 0, 40.0)]


def test_an_erasure_neither_stops_nor_repeats_the_count(database: Database) -> None:
    start = NOW - 10 * PERIOD
    append(database, events(start, ("click", None, None)))
    assert update(database)
    append(database, events(start, ("click", None, None), offset=1))
    with database.write() as connection:
        erasure.erase(connection, "r", NOW)
    append(database, events(start, ("share", None, None), offset=2))
    assert update(database)
    assert not update(database)
    assert [(each.events, each.opened) for each in counted(database)] == [(2, 1)], "what was counted stays"


def test_an_update_says_whether_later_rows_wait(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "_MOST_ROWS", 2)
    append(database, events(NOW - PERIOD, *[("click", None, None)] * 3))
    steps = []
    for _ in range(2):
        with database.read() as connection:
            found = traffic.pending(connection, NOW)
        assert found is not None
        steps.append((found.after, found.is_last))
        assert update(database)
    assert steps == [(2, False), (3, True)]


def test_of_two_processes_one_stores_an_update(database: Database) -> None:
    append(database, events(NOW - PERIOD, ("click", None, None)))
    with database.read() as connection:
        both = [traffic.pending(connection, NOW) for _ in range(2)]
    stored = []
    for each in both:
        assert each is not None
        with database.write() as connection:
            stored.append(traffic.apply(connection, each, NOW))
    assert stored == [True, False]
    assert [each.opened for each in counted(database)] == [1]


def test_old_periods_are_deleted_and_old_rows_are_not_counted(database: Database) -> None:
    start = NOW - PERIOD
    append(database, events(start, ("click", None, None)))
    assert update(database)
    later = start + 61 * DAY
    append(database, events(later, ("click", None, None)))
    append(database, events(start + 2, ("click", None, None), offset=5))
    assert update(database, later + 10)
    assert [each.period for each in counted(database)] == [later // PERIOD * PERIOD]
