"""Rows that an import brings again after they were archived: they are duplicates, and not late rows."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import EventKind
from recsys.frames import EVENTS, SLATES, conform
from recsys.store import archive_scope, id_arrays, log_archive
from recsys.store.amended_values import CONTENT_COLUMNS, MEASURED, SAME_WITHIN
from recsys.store.log_archive import SCHEMAS
from recsys.store.tables import archive_files, events, impressions

_PART = r"~\d+$"
"""End of the id of an amendment."""


def archived_events(connection: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `id` and `value` of those events that the archived part of the log has, with the same content.

    A value up to that of an amended reading is the same content, as everywhere in the log.

    Raises:
        ArchiveError: a file is missing or damaged.
    """
    rows = conform(rows, EVENTS)
    closed = rows.filter(archive_scope.closed_events(log_archive.until(connection)))
    stored = _stored(connection, events, closed, CONTENT_COLUMNS)
    content = [name for name in CONTENT_COLUMNS if name != "value"]
    added = pl.col("kind").first() == EventKind.READ.value  # of a scroll the newest part counts
    totals = (
        stored.filter(pl.col("kind").is_in(sorted(MEASURED)))
        .with_columns(pl.col("id").str.replace(_PART, ""))
        .group_by("id", *content)
        .agg(total=pl.when(added).then(pl.col("value").sum()).otherwise(pl.col("value").max()))
    )
    same = closed.join(stored, on=["id", *CONTENT_COLUMNS], how="semi", nulls_equal=True)
    amended = closed.join(totals, on=["id", *content], nulls_equal=True)
    amended = amended.filter(pl.col("value") <= pl.col("total") + SAME_WITHIN)
    return pl.concat([each.select("id", "value") for each in (same, amended)]).unique()


def archived_slates(connection: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the `id` of those slates that the archived part of the log has, for the same reader.

    Raises:
        ArchiveError: a file is missing or damaged.
    """
    rows = conform(rows, SLATES)
    closed = rows.filter(archive_scope.closed_slates(log_archive.until(connection)))
    stored = _stored(connection, impressions, closed, ["reader"])
    return closed.join(stored, on=["id", "reader"], how="semi").select("id")


def _stored(connection: Connection, table: sa.Table, rows: pl.DataFrame, content: Sequence[str]) -> pl.DataFrame:
    """Return `id` and `content` of the stored rows with the ids of `rows`, and of their archived amendments."""
    columns = ["id", *content]
    schema = {name: SCHEMAS[table.name][name] for name in columns}
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    query = sa.select(*(table.c[name] for name in columns))
    in_sql = id_arrays.rows_of(connection, query, table.c.id, rows["id"]).all()
    a = archive_files.c
    around = (a.first_at <= rows["at"].max(), a.last_at >= rows["at"].min())
    ids = rows.select("id").unique()
    base = pl.col("id").str.replace(_PART, "")
    return pl.concat(
        [
            pl.DataFrame([tuple(row) for row in in_sql], schema=schema, orient="row"),
            *(
                frame.filter(pl.col("id").is_in(ids["id"].implode()) | base.is_in(ids["id"].implode()))
                for frame in log_archive.frames(connection, table, columns, *around)
            ),
        ]
    )
