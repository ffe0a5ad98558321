"""What came of slates, by the model that made them, and what a challenger would have shown instead.

An event counts for the slate it quotes if that was shown to the same reader by then, as in a replay: nobody can
decide a trial with ids that they made up or were told.
"""

import json

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import EventKind
from recsys.store.tables import events, impressions, shadow_slates

OUTCOMES: dict[str, pl.DataType] = {
    "model": pl.String(),
    "reader": pl.String(),
    "clicks": pl.Int64(),
    "seconds": pl.Float64(),
}
"""One row a slate: articles opened from it, and seconds that they were read for, each reading capped."""

SHADOWS: dict[str, pl.DataType] = {
    "model": pl.String(),
    "reader": pl.String(),
    "unseen": pl.List(pl.String()),
    "shown": pl.List(pl.String()),
    "opened": pl.List(pl.String()),
}
"""One row an unseen slate: its articles, those shown instead, and those of them that were opened."""


def outcomes(connection: Connection, since: int, longest: float) -> pl.DataFrame:
    """Slates of feeds shown since then (microseconds), columns `OUTCOMES`; what quotes a slate's id came of it.

    `longest`: seconds that one reading counts at most, so that an article left open decides nothing.
    """
    i, e = impressions, events
    opened = sa.func.count(sa.distinct(sa.case((e.c.kind == EventKind.CLICK, e.c.article))))
    capped = sa.case((e.c.value > longest, longest), else_=e.c.value)
    seconds = sa.func.sum(sa.case((e.c.kind == EventKind.READ, capped), else_=0.0))
    query = (
        sa.select(i.c.model, i.c.reader, opened, sa.func.coalesce(seconds, 0.0))
        .outerjoin(e, sa.and_(_came_of_it(), e.c.known_at >= since))
        .where(i.c.model.is_not(None), i.c.at >= since)
        .group_by(i.c.seq, i.c.model, i.c.reader)
        .order_by(i.c.seq)
    )
    return pl.DataFrame(connection.execute(query).fetchall(), schema=OUTCOMES, orient="row")


def shadows(connection: Connection, since: int) -> pl.DataFrame:
    """Unseen slates since then (microseconds), columns `SHADOWS`."""
    s, i = shadow_slates, impressions
    query = (
        sa.select(s.c.model, s.c.reader, s.c.candidates, i.c.candidates, i.c.id)
        .join(i, i.c.id == s.c.request_id)
        .where(s.c.at >= since)
        .order_by(i.c.seq)
    )
    found = connection.execute(query).fetchall()
    clicked = _opened(connection, since)
    rows = [
        (model, reader, json.loads(unseen), json.loads(shown), clicked.get(id_, []))
        for model, reader, unseen, shown, id_ in found
    ]
    return pl.DataFrame(rows, schema=SHADOWS, orient="row")


def _opened(connection: Connection, since: int) -> dict[str, list[str]]:
    """Articles opened from slates that a challenger ranked too, by request id."""
    s, e = shadow_slates, events
    tried = sa.select(s.c.request_id).where(s.c.at >= since)
    query = (
        sa.select(e.c.request_id, e.c.article)
        .join(impressions, _came_of_it())
        .where(e.c.kind == EventKind.CLICK, e.c.known_at >= since)
        .where(e.c.request_id.in_(tried))
        .distinct()
    )
    opened: dict[str, list[str]] = {}
    for id_, article in connection.execute(query):
        opened.setdefault(id_, []).append(article)
    return opened


def _came_of_it() -> sa.ColumnElement[bool]:
    """Whether an event quotes a slate that was shown to the same reader by then."""
    i, e = impressions.c, events.c
    return sa.and_(e.request_id == i.id, e.reader == i.reader, i.known_at <= e.known_at)
