"""Erasure of a reader from the archive: the files with rows of the reader are replaced by files without them."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.errors import StoreError
from recsys.store import log_archive, log_archiver
from recsys.store.database import Database
from recsys.store.log_archive import ArchivedFile
from recsys.store.log_archiver import delete_leftovers, write_checked
from recsys.store.tables import archive_files, archive_leftovers


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Files without the rows of one reader, written and not recorded yet.

    examined: addresses of all files that were looked through. counts: rows of the reader by table.
    """

    examined: frozenset[str] = frozenset()
    replaced: Mapping[str, ArchivedFile] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def is_needed(database: Database) -> bool:
    """Return True if there is an archive: else an erasure need not wait for its turn.

    `record` refuses an archive that began meanwhile.
    """
    with database.read() as connection:
        return bool(log_archive.until(connection) or log_archive.leftovers(connection))


def prepare(database: Database, reader: str) -> Rewritten:
    """Write the files anew that have rows of `reader`. Hold the turn `FILES` until `finish`.

    Raises:
        StoreError: a file is damaged or cannot be written, or the database is unavailable.
    """
    delete_leftovers(database)  # of an erasure that was interrupted: they may hold its reader
    with database.read() as connection:
        files = log_archive.all_files(connection)
    replaced, counts = {}, Counter[str]()
    for file in files:
        if not (log_archive.read(file, ["reader"])["reader"] == reader).any():
            continue
        rows = log_archive.read(file)
        kept = rows.filter(pl.col("reader") != reader)
        counts[file.log_table] += rows.height - kept.height
        replaced[file.path] = _written(database, file, kept)
    return Rewritten(frozenset(file.path for file in files), replaced, counts)


def record(connection: Connection, rewritten: Rewritten) -> None:
    """Record the new files in place of the old ones, in the transaction of the erasure.

    Raises:
        StoreError: the archive has other files than those that were looked through.
    """
    now = frozenset(file.path for file in log_archive.all_files(connection))
    if now != rewritten.examined:
        raise StoreError("the archive changed while the reader was erased: erase the reader again")
    a, left = archive_files.c, archive_leftovers
    for old, new in rewritten.replaced.items():
        connection.execute(sa.update(archive_files).where(a.path == old).values(**asdict(new)))
        connection.execute(sa.delete(left).where(left.c.path == new.path))
        connection.execute(sa.insert(left).values(path=old))


def finish(database: Database) -> None:
    """Delete the files that were replaced.

    Raises:
        StoreError: one cannot be deleted, or the database is unavailable.
    """
    delete_leftovers(database)


def _written(database: Database, file: ArchivedFile, rows: pl.DataFrame) -> ArchivedFile:
    """Write `rows` beside a file; return the record that replaces its own. It covers the same part of the log."""
    folder = file.path.rpartition("/")[0]
    path = f"{folder}/{file.number:08d}-{uuid.uuid4().hex[:8]}.parquet"
    size, digest = write_checked(database, path, rows)
    return replace(log_archiver.with_times(file, rows), path=path, rows=rows.height, size=size, digest=digest)
