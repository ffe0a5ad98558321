"""Slates that Attune made, and the impression events of pages that showed them."""

from collections.abc import Iterator

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import EventKind
from recsys.store import log_archive
from recsys.store.tables import archive_files, events, impressions

_MADE = {"id": pl.String(), "reader": pl.String()}


def made_slates(connection: Connection, start: int, end: int, until: int) -> pl.DataFrame:
    """Return the slates with a model and start ≤ at < end.

    Column id, and `beacon`: True if an impression event of the same reader quotes it, known before `until`.
    """
    i, e = impressions.c, events.c
    made = sa.select(i.id, i.reader).where(i.model.is_not(None), i.at >= start, i.at < end)
    stored = pl.DataFrame(connection.execute(made).all(), schema=_MADE, orient="row")
    slates = pl.concat([*_archived_slates(connection, start, end), stored])
    if slates.is_empty():
        return slates.select("id", pl.lit(False).alias("beacon"))
    beacons = sa.select(e.request_id, e.reader).where(
        e.kind == "impression", e.request_id.is_not(None), e.known_at >= start, e.known_at < until
    )
    stored = pl.DataFrame(connection.execute(beacons).all(), schema=_MADE, orient="row")
    quoted = pl.concat([*_archived_beacons(connection, start, until), stored]).unique()
    marked = slates.join(quoted.with_columns(pl.lit(True).alias("beacon")), on=["id", "reader"], how="left")
    return marked.select("id", pl.col("beacon").fill_null(False))


def _archived_slates(connection: Connection, start: int, end: int) -> Iterator[pl.DataFrame]:
    a, at = archive_files.c, pl.col("at")
    names = ("id", "reader", "model", "at")
    for rows in log_archive.frames(connection, impressions, names, a.last_at >= start, a.first_at < end):
        yield rows.filter((at >= start) & (at < end) & pl.col("model").is_not_null()).select("id", "reader")


def _archived_beacons(connection: Connection, start: int, until: int) -> Iterator[pl.DataFrame]:
    a, known_at = archive_files.c, pl.col("known_at")
    names = ("request_id", "reader", "kind", "known_at")
    for rows in log_archive.frames(connection, events, names, a.last_known_at >= start, a.first_known_at < until):
        beacon = (pl.col("kind") == EventKind.IMPRESSION) & pl.col("request_id").is_not_null()
        yield rows.filter(beacon & (known_at >= start) & (known_at < until)).select(
            id="request_id", reader="reader"
        )
