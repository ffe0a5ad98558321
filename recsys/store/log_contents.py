"""Counts of a log: what there is to learn from."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import articles, events, impressions


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
    shown = _counted(connection, impressions, impressions.c.known_at, until)
    clicked = _counted(connection, events, events.c.known_at, until, events.c.kind == "click")
    stored = connection.execute(sa.select(sa.func.count()).select_from(articles)).scalar_one()
    times = [time for _, *span in (shown, clicked) for time in span if time is not None]
    return LogContents(stored, shown[0], clicked[0], min(times, default=None), max(times, default=None))


def click_span(connection: Connection) -> tuple[int, int] | None:
    """Return the times of the first and the last click (microseconds), None without clicks."""
    _, first, last = _counted(connection, events, events.c.known_at, None, events.c.kind == "click")
    return None if first is None or last is None else (first, last)


def _counted(
    connection: Connection,
    table: sa.Table,
    known_at: sa.ColumnElement[int],
    until: int | None,
    *conditions: sa.ColumnElement[bool],
) -> tuple[int, int | None, int | None]:
    """Return the number of rows, and the times of the first and the last one."""
    query = sa.select(sa.func.count(), sa.func.min(table.c.at), sa.func.max(table.c.at)).where(*conditions)
    if until is not None:
        query = query.where(known_at < until)
    count, first, last = connection.execute(query).one()
    return int(count), first, last
