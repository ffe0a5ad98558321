"""Months of the archive, and the times that may be given."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.application.log_archiving import plan_archive
from recsys.domain import DAY, SECOND
from recsys.errors import ConfigError
from recsys.frames import events_frame, slates_frame
from recsys.store import archive_scope
from recsys.store.database import Database
from tests.application import application
from tests.archived import END, random_rows

TIMES = st.integers(0, 4_000_000_000_000_000)  # to 2096


@given(TIMES)
def test_a_month_has_each_of_its_times_and_ends_where_the_next_begins(at: int) -> None:
    start, end = archive_scope.month_start(at), archive_scope.next_month(at)
    assert start <= at < end
    assert archive_scope.month_start(start) == start == archive_scope.month_start(end - 1)
    assert archive_scope.month_of(start) == archive_scope.month_of(at) == archive_scope.month_of(end - 1)
    assert archive_scope.month_start(end) == end
    assert 28 * DAY <= end - start <= 31 * DAY


@given(st.integers(0, 2**32), st.integers(0, END))
def test_rows_and_frames_agree_on_what_is_closed(seed: int, until: int) -> None:
    events, slates = random_rows(seed, 20)
    for rows, frame, closed in (
        (events, events_frame(events), archive_scope.closed_events(until)),
        (slates, slates_frame(slates), archive_scope.closed_slates(until)),
    ):
        assert frame.select(closed)[:, 0].to_list() == [archive_scope.is_closed(row, until) for row in rows]
        assert frame.filter(closed & (pl.col("at") >= until)).is_empty()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("before", "until"),
    [("2026-03-01", "2026-03-01"), ("2026-03-31", "2026-03-01"), ("2026-09-29", "2026-09-01")],
)
def test_a_time_is_rounded_down_to_its_month(sqlite_database: Database, before: str, until: str) -> None:
    plan = plan_archive(application(sqlite_database, Path()), at(before), now=at("2026-11-28"))
    assert plan.until == at(until)
    assert [table.rows for table in plan.tables] == [0, 0]


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ("2026-10-01", "2026-11-28", "--before 2026-09-01"),
        ("2026-11-28", "2026-11-28", "--before 2026-09-01"),
        ("2026-10-01", "2026-11-29", "--before 2026-09-01"),
        ("2026-11-29", "2026-11-28", "in the future"),
    ],
)
def test_the_newest_sixty_days_and_the_future_are_refused(
    sqlite_database: Database, before: str, now: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_archive(application(sqlite_database, Path()), at(before), at(now))


def test_a_month_can_be_archived_sixty_days_after_its_end(sqlite_database: Database) -> None:
    plan = plan_archive(application(sqlite_database, Path()), at("2026-10-01"), at("2026-11-30"))
    assert plan.until == at("2026-10-01")
