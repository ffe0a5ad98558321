"""Slates of experiments: their outcomes by model, and the shadow slates that a challenger ranked and nobody saw.

Outcomes are computed from the rows in SQL: a start in the archived part of the log is refused.

An event counts for the slate it refers to only if that slate was shown to the same reader before, as in a replay.
So made-up or copied request ids cannot decide an experiment.
"""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import DAY, EventKind, Ranking, models_of
from recsys.store import log_archive
from recsys.store.conflict_insert import insert
from recsys.store.database import without_timeout
from recsys.store.tables import events, impressions, shadow_slates

DAYS_BEFORE = 28
"""Days of reading before a trial that explain a part of the outcomes."""

OUTCOMES: dict[str, pl.DataType] = {
    "model": pl.String(),
    "reader": pl.String(),
    "clicks": pl.Int64(),
    "seconds": pl.Float64(),
    "hides": pl.Int64(),
}
"""One row per slate: articles opened from it, the seconds of reading them, each reading capped, and articles
hidden in it."""

BEFORE: dict[str, pl.DataType] = {"reader": pl.String(), "clicks": pl.Int64(), "seconds": pl.Float64()}
"""One row per reader: clicks and seconds of reading before a trial, each event capped."""

SHADOWS: dict[str, pl.DataType] = {
    "model": pl.String(),
    "reader": pl.String(),
    "unseen": pl.List(pl.String()),
    "shown": pl.List(pl.String()),
    "opened": pl.List(pl.String()),
}
"""One row per unseen slate: its articles, the articles shown instead, and those of them that were opened."""

INTERLEAVED: dict[str, pl.DataType] = {
    "request_id": pl.String(),
    "reference": pl.String(),
    "challenger": pl.String(),
    "reader": pl.String(),
    "first": pl.List(pl.String()),
    "second": pl.List(pl.String()),
    "opened": pl.List(pl.String()),
}
"""One row per interleaved slate: its models, their own slates (first: the reference's), and opened articles."""


def add_shadow(connection: Connection, reader: str, slate: Ranking) -> None:
    """Store a slate that was not shown to `reader`, under the request id of the slate that was.

    The first slate of a request id stays, as in the log.
    """
    connection.execute(
        insert(connection, shadow_slates)
        .values(
            request_id=slate.request_id,
            model=slate.model,
            reader=reader,
            at=slate.as_of,
            candidates=json.dumps([item.id for item in slate.items], ensure_ascii=False),
            scores=json.dumps([item.score for item in slate.items]),
        )
        .on_conflict_do_nothing()
    )


def delete_shadows(connection: Connection, before: int) -> int:
    """Delete the slates from before `before` (microseconds), and return their number."""
    with without_timeout(connection):
        return connection.execute(sa.delete(shadow_slates).where(shadow_slates.c.at < before)).rowcount


def outcomes(connection: Connection, since: int, longest: float, until: int | None = None) -> pl.DataFrame:
    """Return the outcomes of feed slates shown since `since` (microseconds), columns `OUTCOMES`.

    until: only slates from before this time (microseconds); their events may be later.
    longest: cap on the seconds of one reading, so that an article left open decides nothing.
    """
    log_archive.require_in_sql(connection, since)
    i, e = impressions, events
    clicked = sa.func.max(sa.case((e.c.kind == EventKind.CLICK, 1), else_=0))
    seconds = sa.func.sum(sa.case((e.c.kind == EventKind.READ, sa.func.coalesce(e.c.value, 0.0)), else_=0.0))
    hidden = sa.func.max(sa.case((e.c.kind == EventKind.HIDE, 1), else_=0))
    each = (  # one row per article, because a reading may come in several parts
        sa.select(
            i.c.seq,
            i.c.model,
            i.c.reader,
            clicked.label("clicked"),
            seconds.label("seconds"),
            hidden.label("hidden"),
        )
        .outerjoin(e, sa.and_(_attributed(), e.c.known_at >= since))
        .where(i.c.model.is_not(None), i.c.at >= since, sa.true() if until is None else i.c.at < until)
        .group_by(i.c.seq, i.c.model, i.c.reader, e.c.article)
    ).subquery()
    capped = sa.case((each.c.seconds > longest, longest), else_=each.c.seconds)
    query = (
        sa.select(
            each.c.model,
            each.c.reader,
            sa.func.sum(each.c.clicked),
            sa.func.sum(capped),
            sa.func.sum(each.c.hidden),
        )
        .group_by(each.c.seq, each.c.model, each.c.reader)
        .order_by(each.c.seq)
    )
    return pl.DataFrame(connection.execute(query).fetchall(), schema=OUTCOMES, orient="row")


def slate_times(connection: Connection) -> tuple[int, int] | None:
    """Return when the first and the last slate of a model in SQL was shown (microseconds); None without one."""
    at = impressions.c.at
    query = sa.select(sa.func.min(at), sa.func.max(at)).where(impressions.c.model.is_not(None))
    first, last = connection.execute(query).one()
    return None if first is None else (first, last)


def reading_before(connection: Connection, start: int, days: int, longest: float) -> pl.DataFrame:
    """Return what readers did in the `days` before `start` (microseconds), columns `BEFORE`.

    longest: cap on the seconds of one event.
    """
    log_archive.require_in_sql(connection, start - days * DAY)
    e = events.c
    clicks = sa.func.sum(sa.case((e.kind == EventKind.CLICK, 1), else_=0))
    capped = sa.case((e.value > longest, longest), else_=sa.func.coalesce(e.value, 0.0))
    seconds = sa.func.sum(sa.case((e.kind == EventKind.READ, capped), else_=0.0))
    query = (
        sa.select(e.reader, clicks, seconds)
        .where(e.at >= start - days * DAY, e.at < start, e.kind.in_((EventKind.CLICK, EventKind.READ)))
        .group_by(e.reader)
        .order_by(e.reader)
    )
    return pl.DataFrame(connection.execute(query).fetchall(), schema=BEFORE, orient="row")


def shadow_outcomes(connection: Connection, since: int) -> pl.DataFrame:
    """Return the unseen slates since `since` (microseconds), columns `SHADOWS`; without interleaved ones."""
    clicked = _opened(connection, since)
    rows = [
        (row.made_by, row.reader, json.loads(row.made), json.loads(row.shown), clicked.get(row.id, []))
        for row in _slates_beside(connection, since)
        if models_of(row.model or "") is None
    ]
    return pl.DataFrame(rows, schema=SHADOWS, orient="row")


def interleaved_outcomes(connection: Connection, since: int) -> pl.DataFrame:
    """Return the interleaved slates since `since` (microseconds), columns `INTERLEAVED`."""
    clicked = _opened(connection, since)
    made: dict[str, dict[str, list[str]]] = {}
    rows = []
    for row in _slates_beside(connection, since):
        models = models_of(row.model or "")
        if models is None:
            continue
        slates = made.setdefault(row.id, {})
        slates[row.made_by] = json.loads(row.made)
        if all(model in slates for model in models):
            both = (slates[model] for model in models)
            rows.append((row.id, *models, row.reader, *both, clicked.get(row.id, [])))
    return pl.DataFrame(rows, schema=INTERLEAVED, orient="row")


def _slates_beside(connection: Connection, since: int) -> Sequence[Any]:
    """Return the slates that models made beside a shown one, in the log's order."""
    log_archive.require_in_sql(connection, since)
    s, i = shadow_slates.c, impressions.c
    columns = (i.id, i.model, i.reader, i.candidates.label("shown"))
    query = sa.select(*columns, s.model.label("made_by"), s.candidates.label("made"))
    query = query.join(shadow_slates, i.id == s.request_id).where(s.at >= since).order_by(i.seq, s.model)
    return connection.execute(query).fetchall()


def _opened(connection: Connection, since: int) -> dict[str, list[str]]:
    """Return the articles opened from slates that a challenger ranked too, by request id."""
    s, e = shadow_slates, events
    challenged = sa.select(s.c.request_id).where(s.c.at >= since)
    query = (
        sa.select(e.c.request_id, e.c.article)
        .join(impressions, _attributed())
        .where(e.c.kind == EventKind.CLICK, e.c.known_at >= since)
        .where(e.c.request_id.in_(challenged))
        .distinct()
    )
    opened: dict[str, list[str]] = {}
    for id_, article in connection.execute(query):
        opened.setdefault(id_, []).append(article)
    return opened


def _attributed() -> sa.ColumnElement[bool]:
    """Return the condition that an event refers to a slate shown to the same reader before."""
    i, e = impressions.c, events.c
    return sa.and_(e.request_id == i.id, e.reader == i.reader, i.known_at <= e.known_at)
