"""Traffic of the log by period: roll-ups, so that a page needs no scan of the log. They name no reader.

The log is read by sequence number from where the last update stopped, and the new rows are added to their periods,
also those that an import adds to the past. The position moves in the same transaction, so each row counts once.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.constants import MAX_READ_SECONDS
from recsys.domain import DAY, MINUTE, EventKind
from recsys.store import event_log
from recsys.store.tables import events, impressions, traffic, traffic_position

PERIOD = 5 * MINUTE
"""Length of a period in microseconds."""

LIFETIME = 60 * DAY
"""Age at which periods are deleted, and before which rows of the log are not counted."""

_MOST_PARAMETERS = 500

_MOST_ROWS = 50_000
"""Rows of the log in one update: the first one over a large log continues in the next ones."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of one period that begins at `period` (microseconds), by the time at which Attune knew the rows.

    feeds: slates. shown: articles in them. events: actions of readers. opened: clicks. from_feeds: clicks that
    quote a slate. read_seconds: time of reading, each event capped.
    """

    period: int
    feeds: int = 0
    shown: int = 0
    events: int = 0
    opened: int = 0
    from_feeds: int = 0
    read_seconds: float = 0.0

    def __add__(self, more: "Traffic") -> "Traffic":
        return Traffic(self.period, *(a + b for a, b in zip(astuple(self)[1:], astuple(more)[1:], strict=True)))


@dataclass(frozen=True, slots=True)
class Update:
    """New rows by period.

    before, after: sequence numbers of the log up to which rows are counted. is_last: the log had no later row.
    """

    before: int
    after: int
    periods: tuple[Traffic, ...]
    is_last: bool


def pending(connection: Connection, now: int) -> Update | None:
    """Count the rows that were added since the last update by period; None if there is no such row.

    now: microseconds.
    """
    before = connection.execute(sa.select(traffic_position.c.seq)).scalar_one_or_none() or 0
    last = event_log.position(connection).last_seq
    if last <= before:
        return None
    after = min(last, before + _MOST_ROWS)
    periods: dict[int, Traffic] = {}
    for table, counts in ((events, _event_counts()), (impressions, _slate_counts(connection))):
        period = table.c.known_at // PERIOD * PERIOD
        new = table.c.seq > before, table.c.seq <= after, table.c.known_at >= now - LIFETIME
        for row in connection.execute(sa.select(period.label("period"), *counts).where(*new).group_by("period")):
            found = Traffic(**row._mapping)
            periods[found.period] = periods.get(found.period, Traffic(found.period)) + found
    return Update(before, after, tuple(periods[begin] for begin in sorted(periods)), is_last=after == last)


def apply(connection: Connection, update: Update, now: int) -> bool:
    """Store an update, and delete old periods; return False if another process stored one meanwhile."""
    p = traffic_position
    moved = connection.execute(sa.update(p).where(p.c.seq == update.before).values(seq=update.after))
    if not moved.rowcount:
        return False
    for start in range(0, len(update.periods), _MOST_PARAMETERS):
        _add(connection, update.periods[start : start + _MOST_PARAMETERS])
    connection.execute(sa.delete(traffic).where(traffic.c.period < now - LIFETIME))
    return True


def _add(connection: Connection, periods: Sequence[Traffic]) -> None:
    """Add counts to the stored ones of their periods."""
    stored = traffic.c.period.in_([each.period for each in periods])
    known = {row.period: Traffic(*row) for row in connection.execute(_select().where(stored))}
    connection.execute(sa.delete(traffic).where(stored))
    summed = [asdict(known.get(each.period, Traffic(each.period)) + each) for each in periods]
    connection.execute(sa.insert(traffic), summed)


def since(connection: Connection, start: int) -> list[Traffic]:
    """Return the periods that begin at `start` (microseconds) or later, oldest first; empty ones are left out."""
    query = _select().where(traffic.c.period >= start).order_by("period")
    return [Traffic(*row) for row in connection.execute(query)]


def _select() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(traffic.c[field.name] for field in fields(Traffic)))


def read_seconds() -> sa.ColumnElement[float]:
    """Return the sum of the seconds of reading, each event capped: a tab left open is not attention."""
    e = events.c
    capped = sa.case((e.value > MAX_READ_SECONDS, MAX_READ_SECONDS), else_=sa.func.coalesce(e.value, 0.0))
    return sa.func.sum(sa.case((e.kind == EventKind.READ, capped), else_=0.0))


def count(connection: Connection, start: int, end: int) -> Traffic:
    """Count the rows of the log with start ≤ known_at < end (microseconds), from the log itself."""
    found = Traffic(start)
    for table, counts in ((events, _event_counts()), (impressions, _slate_counts(connection))):
        known_at = table.c.known_at
        row = connection.execute(sa.select(*counts).where(known_at >= start, known_at < end)).one()
        found += Traffic(start, **row._mapping)
    return found


def _event_counts() -> tuple[sa.ColumnElement[Any], ...]:
    e = events.c
    clicked = e.kind == EventKind.CLICK
    return (
        sa.func.count().label("events"),
        sa.func.count(sa.case((clicked, 1))).label("opened"),
        sa.func.count(sa.case((clicked & e.request_id.is_not(None), 1))).label("from_feeds"),
        sa.func.coalesce(read_seconds(), 0.0).label("read_seconds"),
    )


def _slate_counts(connection: Connection) -> tuple[sa.ColumnElement[Any], ...]:
    i = impressions.c
    candidates = i.candidates if connection.dialect.name == "sqlite" else sa.cast(i.candidates, sa.JSON)
    shown = sa.func.coalesce(sa.func.sum(sa.func.json_array_length(candidates)), 0)
    return sa.func.count().label("feeds"), shown.label("shown")
