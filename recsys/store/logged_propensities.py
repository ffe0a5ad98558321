"""Propensities of logged slates, for evaluation against other policies."""

from collections.abc import Iterator

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import log_archive
from recsys.store.tables import archive_files, impressions

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
    frame = pl.concat([*_archived(connection, start, end), pl.DataFrame(rows, schema=_COLUMNS, orient="row")])
    return frame.with_columns(pl.col("propensities").str.json_decode(pl.List(pl.Float64)))


def _archived(connection: Connection, start: int, end: int) -> Iterator[pl.DataFrame]:
    a, at = archive_files.c, pl.col("at")
    names = ("id", "propensities", "at", "ordered")
    for rows in log_archive.frames(connection, impressions, names, a.last_at >= start, a.first_at < end):
        wanted = (at >= start) & (at < end) & pl.col("ordered") & pl.col("propensities").is_not_null()
        yield rows.filter(wanted).select("id", "propensities")
