"""What came of slates, by the model that made them, and what a challenger would have shown instead."""

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
"""One row a slate: articles opened from it, and seconds that they were read for."""

SHADOWS: dict[str, pl.DataType] = {
    "model": pl.String(),
    "reader": pl.String(),
    "unseen": pl.List(pl.String()),
    "shown": pl.List(pl.String()),
    "opened": pl.List(pl.String()),
}
"""One row an unseen slate: its articles, those shown instead, and those of them that were opened."""


def outcomes(connection: Connection, since: int) -> pl.DataFrame:
    """Slates of feeds shown since then (microseconds), columns `OUTCOMES`; what quotes a slate's id came of it."""
    i, e = impressions, events
    opened = sa.func.count(sa.distinct(sa.case((e.c.kind == EventKind.CLICK, e.c.article))))
    seconds = sa.func.sum(sa.case((e.c.kind == EventKind.READ, e.c.value), else_=0.0))
    query = (
        sa.select(i.c.model, i.c.reader, opened, sa.func.coalesce(seconds, 0.0))
        .outerjoin(e, sa.and_(e.c.request_id == i.c.id, e.c.known_at >= since))
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
    query = (
        sa.select(e.c.request_id, e.c.article)
        .where(e.c.kind == EventKind.CLICK, e.c.known_at >= since)
        .where(e.c.request_id.in_(sa.select(s.c.request_id).where(s.c.at >= since)))
        .distinct()
    )
    opened: dict[str, list[str]] = {}
    for id_, article in connection.execute(query):
        opened.setdefault(id_, []).append(article)
    return opened
