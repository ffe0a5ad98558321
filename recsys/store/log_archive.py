"""Archive of the log: Parquet files with the older rows of `events` and `impressions`, and their record in SQL.

A row is in SQL or in one recorded file, never in both and never in neither: `store.log_archiver` deletes the rows
from SQL in the transaction that records their file. The files of a table follow each other in the order of the
fold, and their keys do not overlap; rows that stay in SQL may lie between them.

Every reading of a file compares its digest, so a damaged file raises an error instead of changing a result.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import iso
from recsys.errors import ArchiveError, DataError
from recsys.frames import EVENTS, SLATES
from recsys.store import archive_folder
from recsys.store.tables import archive_files, archive_leftovers, archived_reads, events, impressions, log_position

QUOTED = "quoted"
"""Column of archived events: their request id, if that slate was shown to the same reader before; else null.

It cannot change any more once the event is archived: no slate is added to the archived part of the log.
"""

_EVENTS: dict[str, pl.DataType] = {"seq": pl.Int64(), **EVENTS, QUOTED: pl.String()}
_SLATES: dict[str, pl.DataType] = {
    "seq": pl.Int64(),
    **{name: pl.String() if isinstance(kind, pl.List) else kind for name, kind in SLATES.items()},
}
READS = sa.select(archived_reads.c.article).where(
    archived_reads.c.reader == sa.bindparam("reader"), archived_reads.c.known_at < sa.bindparam("before")
)
"""Query of the articles that a `reader` opened, read, hid or disliked in archived events known `before` a time."""

SCHEMAS: dict[str, dict[str, pl.DataType]] = {events.name: _EVENTS, impressions.name: _SLATES}
"""Columns of the files of each table. Lists are JSON, as SQL has them, so that no value changes on the way."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """Record of a file.

    number: place in the order of its table. digest: SHA-256 of the file. first_known_at, last_known_at, last_id:
    part of the log that the file covers, also after rows of it were erased. first_at, last_at: None without rows.
    Times are microseconds.
    """

    path: str
    log_table: str
    number: int
    rows: int
    size: int
    digest: str
    first_known_at: int
    last_known_at: int
    last_id: str
    first_seq: int
    last_seq: int
    first_at: int | None
    last_at: int | None
    written_at: int


_RECORD = sa.select(*(archive_files.c[field.name] for field in fields(ArchivedFile)))


def files(connection: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[ArchivedFile]:
    """Return the files of `table` that match all `conditions`, in the order of the log."""
    a = archive_files.c
    query = _RECORD.where(a.log_table == table.name, *conditions).order_by(a.number)
    return [ArchivedFile(*row) for row in connection.execute(query)]


def all_files(connection: Connection) -> list[ArchivedFile]:
    """Return all files, by table, in the order of the log."""
    return [file for table in (events, impressions) for file in files(connection, table)]


def leftovers(connection: Connection) -> list[str]:
    """Return the addresses of files that are no part of the log and wait to be deleted."""
    return list(connection.execute(sa.select(archive_leftovers.c.path)).scalars())


def until(connection: Connection) -> int:
    """Return the time before which rows are archived (microseconds), 0 without an archive."""
    return int(connection.execute(sa.select(log_position.c.archived_until)).scalar_one())


def require_in_sql(connection: Connection, start: int) -> None:
    """Check that no row since `start` (microseconds) is archived; for figures that only SQL can compute.

    Raises:
        DataError: a part of the rows is archived.
    """
    end = until(connection)
    if start < end:
        raise DataError(
            f"the log before {iso(end)} is archived, and these figures are computed from the rows after it: "
            f"choose a start from {iso(end)} on"
        )


def frames(
    connection: Connection, table: sa.Table, columns: Sequence[str], *conditions: sa.ColumnElement[bool]
) -> Iterator[pl.DataFrame]:
    """Yield `columns` of each file of `table` that matches all `conditions`, in the order of the log."""
    for file in files(connection, table, archive_files.c.rows > 0, *conditions):
        yield read(file, columns)


def read(file: ArchivedFile, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the rows of a file, with all columns or some, after a comparison with its record.

    Raises:
        ArchiveError: the file is missing, damaged, or has another number of rows.
    """
    content = archive_folder.read(file.path)
    if hashlib.sha256(content).hexdigest() != file.digest:
        raise ArchiveError(
            f"the file {file.path} of the archive is damaged: it has {len(content)} bytes and another digest than "
            f"SQL recorded for its {file.size} bytes; restore it from a backup, then run attune log verify"
        )
    frame = pl.read_parquet(io.BytesIO(content), columns=None if columns is None else list(columns))
    if frame.height != file.rows:
        raise ArchiveError(
            f"the file {file.path} of the archive has {frame.height} rows, and SQL recorded {file.rows}: restore "
            "both from the same backup, then run attune log verify"
        )
    return frame if columns is None else frame.select(columns)


def encoded(frame: pl.DataFrame) -> bytes:
    """Return a frame as Parquet with zstd."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def rows_of_reader(connection: Connection, table: sa.Table, reader: str) -> pl.DataFrame:
    """Return the archived rows of `reader`, with all columns of the files, in the order of appending."""
    found = [
        frame.filter(pl.col("reader") == reader) for frame in frames(connection, table, tuple(SCHEMAS[table.name]))
    ]
    return pl.concat([pl.DataFrame(schema=SCHEMAS[table.name]), *found]).sort("seq")


def span(connection: Connection, table: sa.Table) -> tuple[int, int] | None:
    """Return the first and the last `at` of the archived rows of `table` (microseconds), None without rows."""
    a = archive_files.c
    query = sa.select(sa.func.min(a.first_at), sa.func.max(a.last_at)).where(a.log_table == table.name)
    first, last = connection.execute(query).one()
    return None if first is None else (first, last)
