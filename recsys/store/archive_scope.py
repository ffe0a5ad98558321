"""Rows that the archive may hold. All others stay in SQL, because a request needs them at once.

Preferences stay: every start reads all of them. Events that came through Gorse's API stay: they are listed and
deleted there by key. So do the impressions whose articles count as read later. An impression stays while an event
in SQL quotes it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl
import sqlalchemy as sa

from recsys.constants import GORSE_EVENT_PREFIX, WRITE_BACK_PREFIX
from recsys.domain import PREFERENCE_KINDS, SECOND, Event, Slate
from recsys.store.tables import events, impressions

_MONTHS = 12


def archivable(table: sa.Table, until: int) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of rows of `events` or `impressions` that an archive `until` a time may hold."""
    known = table.c.known_at < until
    if table is events:
        from_gorse = events.c.id.startswith(GORSE_EVENT_PREFIX, autoescape=True)
        return known, events.c.kind.not_in(PREFERENCE_KINDS), ~from_gorse
    session = impressions.c.session
    return known, ~(session.is_not(None) & session.startswith(WRITE_BACK_PREFIX, autoescape=True))


def movable(table: sa.Table, until: int) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of rows that can be moved now: `archivable`, and no event in SQL quotes them."""
    if table is events:
        return archivable(table, until)
    i, e = impressions.c, events.c
    quoted = sa.select(sa.literal(1)).where(e.reader == i.reader, e.request_id == i.id).exists()
    return *archivable(table, until), ~quoted


def is_closed(row: Event | Slate, archived_until: int) -> bool:
    """Return True if `row` belongs to the archived part of the log, to which nothing is added."""
    if isinstance(row, Event) and (row.kind in PREFERENCE_KINDS or row.id.startswith(GORSE_EVENT_PREFIX)):
        return False
    return min(row.at, row.known_at) < archived_until


def closed_events(archived_until: int) -> pl.Expr:
    """Return `is_closed` as an expression over events."""
    stays = pl.col("kind").is_in(sorted(PREFERENCE_KINDS)) | pl.col("id").str.starts_with(GORSE_EVENT_PREFIX)
    return closed_slates(archived_until) & ~stays


def closed_slates(archived_until: int) -> pl.Expr:
    """Return `is_closed` as an expression over slates."""
    return pl.min_horizontal("at", "known_at") < archived_until


def month_of(at: int) -> str:
    """Return the month of a time (microseconds) in UTC, such as 2026-05."""
    return f"{_utc(at):%Y-%m}"


def month_start(at: int) -> int:
    """Return when the month of a time begins (microseconds)."""
    month = _utc(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(month.timestamp()) * SECOND


def next_month(at: int) -> int:
    """Return when the month after that of a time begins (microseconds)."""
    then = _utc(at)
    years, month = divmod(then.month, _MONTHS)
    return int(datetime(then.year + years, month + 1, 1, tzinfo=UTC).timestamp()) * SECOND


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
