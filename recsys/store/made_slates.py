"""Slates that Attune made, and the impression events of pages that showed them."""

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import events, impressions

_MADE = {"id": pl.String(), "reader": pl.String()}


def made_slates(connection: Connection, start: int, end: int, until: int) -> pl.DataFrame:
    """Return the slates with a model and start ≤ at < end.

    Column id, and `beacon`: True if an impression event of the same reader quotes it, known before `until`.
    """
    i, e = impressions.c, events.c
    made = sa.select(i.id, i.reader).where(i.model.is_not(None), i.at >= start, i.at < end)
    slates = pl.DataFrame(connection.execute(made).all(), schema=_MADE, orient="row")
    if slates.is_empty():
        return slates.select("id", pl.lit(False).alias("beacon"))
    beacons = sa.select(e.request_id, e.reader).where(
        e.kind == "impression", e.request_id.is_not(None), e.known_at >= start, e.known_at < until
    )
    quoted = pl.DataFrame(connection.execute(beacons).all(), schema=_MADE, orient="row").unique()
    marked = slates.join(quoted.with_columns(pl.lit(True).alias("beacon")), on=["id", "reader"], how="left")
    return marked.select("id", pl.col("beacon").fill_null(False))
