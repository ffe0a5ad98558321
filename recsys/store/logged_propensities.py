"""Propensities of logged slates, for evaluation against other policies."""

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import impressions

_COLUMNS = {"id": pl.String(), "propensities": pl.String()}


def logged_propensities(connection: Connection, start: int, end: int) -> pl.DataFrame:
    """Return the slates in display order that have propensities, with start ≤ at < end (microseconds).

    Columns id, and `propensities`, a list of one number for each article.
    """
    i = impressions.c
    wanted = sa.select(i.id, i.propensities).where(
        i.at >= start, i.at < end, i.ordered.is_(True), i.propensities.is_not(None)
    )
    rows = connection.execute(wanted).all()
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    return frame.with_columns(pl.col("propensities").str.json_decode(pl.List(pl.Float64)))
