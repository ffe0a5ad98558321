"""Counts of a log: what there is to learn from."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import EventKind
from recsys.store import log_archive
from recsys.store.tables import archive_files, articles, events, impressions


@dataclass(frozen=True, slots=True)
class LogContents:
    """Counts of the rows of a log, and the times of the first and the last of its impressions and clicks.

    first, last: microseconds; None without impressions and clicks.
    """

    articles: int
    impressions: int
    clicks: int
    first: int | None
    last: int | None


def log_contents(connection: Connection, until: int | None = None) -> LogContents:
    """Count the rows known before `until` (microseconds; all if None)."""
    shown = _counted(connection, impressions, until)
    clicked = _counted(connection, events, until)
    stored = connection.execute(sa.select(sa.func.count()).select_from(articles)).scalar_one()
    times = [time for _, *span in (shown, clicked) for time in span if time is not None]
    return LogContents(stored, shown[0], clicked[0], min(times, default=None), max(times, default=None))


def click_span(connection: Connection) -> tuple[int, int] | None:
    """Return the times of the first and the last click (microseconds), None without clicks."""
    _, first, last = _counted(connection, events, None)
    return None if first is None or last is None else (first, last)


def _counted(connection: Connection, table: sa.Table, until: int | None) -> tuple[int, int | None, int | None]:
    """Return the number of slates or clicks, archived ones too, and the times of the first and the last one."""
    query = sa.select(sa.func.count(), sa.func.min(table.c.at), sa.func.max(table.c.at))
    if table is events:
        query = query.where(events.c.kind == EventKind.CLICK)
    if until is not None:
        query = query.where(table.c.known_at < until)
    found = [tuple(connection.execute(query).one()), *_archived_counts(connection, table, until)]
    times = [time for _, first, last in found for time in (first, last) if time is not None]
    return sum(int(count) for count, _, _ in found), min(times, default=None), max(times, default=None)


def _archived_counts(
    connection: Connection, table: sa.Table, until: int | None
) -> Iterator[tuple[int, int | None, int | None]]:
    """Yield as `_counted` for each file of the archive."""
    within = [] if until is None else [archive_files.c.first_known_at < until]
    columns = ("known_at", "at", "kind") if table is events else ("known_at", "at")
    for rows in log_archive.frames(connection, table, columns, *within):
        if table is events:
            rows = rows.filter(pl.col("kind") == EventKind.CLICK)
        if until is not None:
            rows = rows.filter(pl.col("known_at") < until)
        yield rows.height, rows["at"].min(), rows["at"].max()  # type: ignore[misc]  # a column of integers
