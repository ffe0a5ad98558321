"""Rows of readers in the event log."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import bulk_insert, log_archive
from recsys.store.tables import events, impressions, readers

SEEN_KINDS = ("click", "read", "hide", "dislike")
"""Kinds of events after which feeds leave an article out."""

# built once: feeds execute it, and building one costs as much as executing it
_SEEN = sa.union_all(
    sa.select(events.c.article).where(
        events.c.reader == sa.bindparam("reader"),
        events.c.kind.in_(SEEN_KINDS),
        events.c.known_at < sa.bindparam("before"),
    ),
    log_archive.READS,
)


def clicks_of_readers(connection: Connection, of_readers: Sequence[str]) -> pl.DataFrame:
    """Return the stored clicks of readers: columns reader, article, at (microseconds)."""
    schema = {"reader": pl.String, "article": pl.String, "at": pl.Int64}
    frame = pl.DataFrame({"reader": list(of_readers)}, schema={"reader": pl.String})
    requested = bulk_insert.stage(connection, events, frame)
    e = events
    query = (
        sa.select(e.c.reader, e.c.article, e.c.at)
        .join(requested, requested.c.reader == e.c.reader)
        .where(e.c.kind == "click")
    )
    return pl.DataFrame(connection.execute(query).fetchall(), schema=schema, orient="row")


def seen_articles(connection: Connection, reader: str, before: int) -> set[str]:
    """Return all articles that the reader clicked, read, hid or disliked, with a receipt time before `before`."""
    # `all` fetches the rows in one call of the driver
    return set(connection.execute(_SEEN, {"reader": reader, "before": before}).scalars().all())


def first_seq_of(connection: Connection, reader: str) -> int | None:
    """Return the smallest sequence number of the reader's rows in SQL, None without one."""
    found = []
    for table in (events, impressions):
        # the sum keeps PostgreSQL from walking the index of `seq` until it meets the reader
        query = sa.select(sa.func.min(table.c.seq + 0)).where(table.c.reader == reader)
        found.append(connection.execute(query).scalar_one())
    return min((seq for seq in found if seq is not None), default=None)


def is_known_reader(connection: Connection, reader: str) -> bool:
    """Return True if any row of `reader` is stored."""
    return connection.execute(sa.select(readers.c.id).where(readers.c.id == reader)).first() is not None
