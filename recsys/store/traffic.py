"""Traffic of the log by period: roll-ups, so that a page needs no scan of the log. They name no reader.

The log is read by sequence number from where the last update stopped. The periods of the new rows are counted
again as a whole, so an update may be repeated, and rows that an import adds to the past count, too.
"""

from dataclasses import asdict, dataclass, fields

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


@dataclass(frozen=True, slots=True)
class Update:
    """Periods to replace. before, after: sequence numbers of the log up to which rows are counted."""

    before: int
    after: int
    periods: tuple[Traffic, ...]


def pending(connection: Connection, now: int) -> Update | None:
    """Count the periods of rows that were added since the last update; None if there is no such row.

    now: microseconds.
    """
    before = connection.execute(sa.select(traffic_position.c.seq)).scalar_one_or_none() or 0
    last = event_log.position(connection).last_seq
    if last <= before:
        return None
    after = min(last, before + _MOST_ROWS)
    periods: set[int] = set()
    for table in (events, impressions):
        period = table.c.known_at // PERIOD
        new = table.c.seq > before, table.c.seq <= after, table.c.known_at >= now - LIFETIME
        periods |= set(connection.execute(sa.select(period).where(*new).distinct()).scalars())
    counted = (count(connection, each * PERIOD, (each + 1) * PERIOD) for each in sorted(periods))
    return Update(before, after, tuple(counted))


def apply(connection: Connection, update: Update, now: int) -> bool:
    """Store an update, and delete old periods; return False if another process stored one meanwhile."""
    p = traffic_position
    moved = connection.execute(sa.update(p).where(p.c.seq == update.before).values(seq=update.after))
    if not moved.rowcount:
        return False
    begins = [each.period for each in update.periods]
    for part in (begins[i : i + 500] for i in range(0, len(begins), 500)):
        connection.execute(sa.delete(traffic).where(traffic.c.period.in_(part)))
    if update.periods:
        connection.execute(sa.insert(traffic), [asdict(each) for each in update.periods])
    connection.execute(sa.delete(traffic).where(traffic.c.period < now - LIFETIME))
    return True


def since(connection: Connection, start: int) -> list[Traffic]:
    """Return the periods that begin at `start` (microseconds) or later, oldest first; empty ones are left out."""
    query = sa.select(*(traffic.c[field.name] for field in fields(Traffic)))
    return [Traffic(*row) for row in connection.execute(query.where(traffic.c.period >= start).order_by("period"))]


def read_seconds() -> sa.ColumnElement[float]:
    """Return the sum of the seconds of reading, each event capped: a tab left open is not attention."""
    e = events.c
    capped = sa.case((e.value > MAX_READ_SECONDS, MAX_READ_SECONDS), else_=sa.func.coalesce(e.value, 0.0))
    return sa.func.sum(sa.case((e.kind == EventKind.READ, capped), else_=0.0))


def count(connection: Connection, start: int, end: int) -> Traffic:
    """Count the rows of the log with start ≤ known_at < end (microseconds), from the log itself."""
    e, i = events.c, impressions.c
    clicked = e.kind == EventKind.CLICK
    counted = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.case((clicked, 1))),
            sa.func.count(sa.case((clicked & e.request_id.is_not(None), 1))),
            sa.func.coalesce(read_seconds(), 0.0),
        ).where(e.known_at >= start, e.known_at < end)
    ).one()
    candidates = i.candidates if connection.dialect.name == "sqlite" else sa.cast(i.candidates, sa.JSON)
    slates = connection.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.json_array_length(candidates)), 0)).where(
            i.known_at >= start, i.known_at < end
        )
    ).one()
    return Traffic(start, int(slates[0]), int(slates[1]), counted[0], counted[1], counted[2], float(counted[3]))
