"""Rows that come again after they were archived, on both databases: those stored, and nothing else."""

from pathlib import Path

import polars as pl
import pytest

from recsys.domain import Event, EventKind
from recsys.frames import events_frame, slates_frame
from recsys.store import archive_scope
from recsys.store.archived_copies import archived_events, archived_slates
from recsys.store.database import Database
from tests.archived import END, answer, archive, fill, random_rows

HALF = END // 2


@pytest.mark.parametrize("until", [HALF, END + 1])
def test_all_stored_rows_of_the_archived_part_are_found_whether_in_files_or_in_sql(
    database: Database, tmp_path: Path, until: int
) -> None:
    rows = random_rows(5)
    fill(database, rows)
    events, slates = events_frame(rows[0]), slates_frame(rows[1])
    assert answer(database, lambda c: archived_events(c, events)).is_empty()
    assert answer(database, lambda c: archived_slates(c, slates)).is_empty()
    archive(database, tmp_path / "archive", until)
    closed = {event.id for event in rows[0] if archive_scope.is_closed(event, until)}
    assert set(answer(database, lambda c: archived_events(c, events))["id"]) == closed
    shown = {slate.id for slate in rows[1] if archive_scope.is_closed(slate, until)}
    assert set(answer(database, lambda c: archived_slates(c, slates))["id"]) == shown


@pytest.mark.parametrize("change", [{"id": "new"}, {"reader": "w"}, {"article": "z"}, {"value": 31.5}])
def test_rows_with_other_content_are_late_rows(
    database: Database, tmp_path: Path, change: dict[str, object]
) -> None:
    click = Event(id="c", reader="x", kind=EventKind.CLICK, at=9, known_at=9, article="a", value=30.0)
    fill(database, ([click], []))
    archive(database, tmp_path / "archive", HALF)
    changed = events_frame([click]).with_columns(**{name: pl.lit(value) for name, value in change.items()})
    assert answer(database, lambda c: archived_events(c, changed)).is_empty()
    assert answer(database, lambda c: archived_events(c, events_frame([click]))).rows() == [("c", 30.0)]


@pytest.mark.parametrize("kind", [EventKind.READ, EventKind.SCROLL])
def test_a_value_up_to_that_of_an_amended_reading_is_stored(
    database: Database, tmp_path: Path, kind: EventKind
) -> None:
    def reading(value: float) -> Event:
        return Event(id="r", reader="x", kind=kind, at=9, known_at=9, article="a", value=value)

    for value in (20.0, 50.0, 55.5):
        fill(database, ([reading(value)], []))
    archive(database, tmp_path / "archive", HALF, file_rows=1)
    again = events_frame([reading(value) for value in (20.0, 30.0, 50.0, 55.5, 56.0)])
    found = answer(database, lambda c: archived_events(c, again))
    assert sorted(found["value"]) == [20.0, 30.0, 50.0, 55.5]
