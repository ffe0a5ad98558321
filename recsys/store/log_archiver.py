"""Moves the older rows of the log from SQL to files, a file at a time: a killed run loses and doubles nothing.

First `log_position.archived_until` is set: from then on no row is added to that part of the log. Then, for each
file: its address is noted among the leftovers, the file is written and read back, and one transaction deletes its
rows, records it, and takes it off the leftovers. A run that ends before that transaction leaves a leftover, which
the next run deletes; one that ends after it has moved these rows for good.

Events are moved before impressions, so that an impression that an event in SQL still quotes stays beside it.
"""

import hashlib
import io
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import iso
from recsys.errors import StoreError
from recsys.store import (
    archive_folder,
    archive_scope,
    archive_turns,
    audit_log,
    bulk_insert,
    event_log,
    log_archive,
)
from recsys.store.archive_scope import archivable, movable
from recsys.store.archive_turns import Turn
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.conflict_insert import insert
from recsys.store.database import Database, without_timeout
from recsys.store.event_log_reader import shown_request
from recsys.store.log_archive import QUOTED, SCHEMAS, ArchivedFile
from recsys.store.reader_rows import SEEN_KINDS
from recsys.store.tables import (
    archive_files,
    archive_leftovers,
    archived_reads,
    events,
    impressions,
    log_position,
)

FILE_ROWS = 50_000
"""Most rows of a file: they are in memory at once, and are deleted in one transaction."""

PATIENCE = 120.0
"""Seconds to wait while an erasure, or a run, works on the files."""

_TRIES = 5


class _ChangedError(StoreError):
    """Rows of a batch were erased, or quoted, while its file was written."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Number of rows of a table that a run would move."""

    log_table: str
    rows: int


def plan(connection: Connection, until: int) -> list[Planned]:
    """Count the rows known before `until` (microseconds) that a run would move.

    A few impressions less are moved: those that an event quotes that stays in SQL.
    """
    with without_timeout(connection):
        found = []
        for table in (events, impressions):
            query = sa.select(sa.func.count()).select_from(table).where(*archivable(table, until))
            found.append(Planned(table.name, connection.execute(query).scalar_one()))
    return found


def archive(
    database: Database,
    folder: str,
    until: int,
    file_rows: int = FILE_ROWS,
    actor: str = "cli",
    gap: float = archive_turns.GAP,
) -> Iterator[ArchivedFile]:
    """Move the rows known before `until` (microseconds) to files below `folder`; yield each file that is recorded.

    Rows that the archive cannot hold stay in SQL: see `store.archive_scope`. An interrupted run is completed.
    After each file, an erasure that waits has `gap` seconds to get its turn.

    Raises:
        ConfigError: `folder` is no address that Attune can use.
        StoreError: another run goes on, a file cannot be written, or the database is unavailable.
    """
    place = archive_folder.normalized(folder)
    with archive_turns.held(database, Turn.RUN, patience=0.0):
        with archive_turns.held(database, Turn.FILES, PATIENCE):
            delete_leftovers(database)
            _probe(place)
            subject = f"{place} before {iso(until)}"
            _close(database, until, AuditRow.now(actor, AuditAction.LOG_ARCHIVED, subject))
        for table in (events, impressions):
            while True:
                with archive_turns.held(database, Turn.FILES, PATIENCE):
                    moved = _move_next(database, table, place, file_rows)
                if moved is None:
                    break
                yield moved
                time.sleep(gap)


def delete_leftovers(database: Database) -> int:
    """Delete the files that are no part of the log; return their number. The turn `FILES` must be held.

    Raises:
        StoreError: a file cannot be deleted, or the database is unavailable.
    """
    with database.read() as connection:
        paths = log_archive.leftovers(connection)
    for path in paths:
        archive_folder.delete(path)
        with database.write() as connection:
            connection.execute(sa.delete(archive_leftovers).where(archive_leftovers.c.path == path))
    return len(paths)


def write_checked(database: Database, path: str, frame: pl.DataFrame) -> tuple[int, str]:
    """Write a frame as a leftover, and read it back; return its size and digest.

    Raises:
        StoreError: it cannot be written, or is not read back as it was written.
    """
    with database.write() as connection:
        connection.execute(sa.insert(archive_leftovers).values(path=path))
    content = log_archive.encoded(frame)
    digest = hashlib.sha256(content).hexdigest()
    archive_folder.write(path, content)
    stored = archive_folder.read(path)
    if hashlib.sha256(stored).hexdigest() != digest or not pl.read_parquet(io.BytesIO(stored)).equals(frame):
        raise StoreError(
            f"{path} is not read back as it was written: check the disk or the storage, and run again"
        )
    return len(content), digest


def _probe(folder: str) -> None:
    """Write, read and delete a file, so that no part of the log is closed for a folder that cannot hold it."""
    path = f"{folder}/probe-{uuid.uuid4().hex[:8]}"
    archive_folder.write(path, b"written by attune log archive to try this address")
    archive_folder.read(path)
    archive_folder.delete(path)


def _close(database: Database, until: int, audit: AuditRow) -> None:
    """Let no row known before `until` into the log from now on, and note who archives it where."""
    with database.write() as connection:
        before = event_log.lock(connection).archived_until
        if until > before:
            connection.execute(sa.update(log_position).values(archived_until=until))
        audit_log.record(connection, audit)


def _move_next(database: Database, table: sa.Table, folder: str, file_rows: int) -> ArchivedFile | None:
    """Move the next rows of `table`; return their file, None if all are moved."""
    for _ in range(_TRIES):
        with database.read() as connection, without_timeout(connection):
            rows = _next_rows(connection, table, file_rows)
            number = _next_number(connection, table)
        if rows.is_empty():
            return None
        month = archive_scope.month_of(rows["known_at"][0])
        path = f"{folder}/{table.name}/month={month}/{number:08d}-{uuid.uuid4().hex[:8]}.parquet"
        size, digest = write_checked(database, path, rows)
        file = replace(_record(path, table, number, rows), size=size, digest=digest)
        try:
            with database.write() as connection, without_timeout(connection):
                _take_over(connection, table, rows, file)
        except _ChangedError:
            delete_leftovers(database)
            continue
        return file
    raise StoreError(
        f"rows of {table.name} changed {_TRIES} times while their file was written: run the command again when "
        "fewer readers are erased"
    )


def _record(path: str, table: sa.Table, number: int, rows: pl.DataFrame) -> ArchivedFile:
    seq, known_at = rows["seq"], rows["known_at"]
    record = ArchivedFile(
        path=path,
        log_table=table.name,
        number=number,
        rows=rows.height,
        size=0,
        digest="",
        first_known_at=known_at[0],
        last_known_at=known_at[-1],
        last_id=rows["id"][-1],
        first_seq=seq.min(),  # type: ignore[arg-type]
        last_seq=seq.max(),  # type: ignore[arg-type]
        first_at=None,
        last_at=None,
        written_at=time.time_ns() // 1_000,
    )
    return with_times(record, rows)


def with_times(file: ArchivedFile, rows: pl.DataFrame) -> ArchivedFile:
    """Return the record with `first_at` and `last_at` of the rows."""
    at = rows["at"]
    return replace(file, first_at=at.min(), last_at=at.max())  # type: ignore[arg-type]  # a column of integers


def _next_number(connection: Connection, table: sa.Table) -> int:
    a = archive_files.c
    last = connection.execute(sa.select(sa.func.max(a.number)).where(a.log_table == table.name)).scalar_one()
    return (last or 0) + 1


def _next_rows(connection: Connection, table: sa.Table, most: int) -> pl.DataFrame:
    """Return the next rows of one month that can be archived, in the order of the fold."""
    schema = SCHEMAS[table.name]
    columns = [shown_request().label(name) if name == QUOTED else table.c[name] for name in schema]
    query = sa.select(*columns).where(*movable(table, log_archive.until(connection)))
    a = archive_files.c
    last = connection.execute(
        sa.select(a.last_known_at, a.last_id).where(a.log_table == table.name).order_by(a.number.desc()).limit(1)
    ).one_or_none()
    if last is not None:  # files do not overlap: rows that could not be moved before stay in SQL
        query = query.where(sa.tuple_(table.c.known_at, table.c.id) > sa.tuple_(last.last_known_at, last.last_id))
    found = connection.execute(query.order_by(table.c.known_at, table.c.id).limit(most)).fetchall()
    rows = pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")
    if rows.is_empty():
        return rows
    return rows.filter(pl.col("known_at") < archive_scope.next_month(rows["known_at"][0]))


def _take_over(connection: Connection, table: sa.Table, rows: pl.DataFrame, file: ArchivedFile) -> None:
    """Delete the rows of a file from SQL, and record the file.

    Raises:
        _ChangedError: a row was erased, or is quoted now.
    """
    end = event_log.lock(connection)
    staged = bulk_insert.stage(connection, table, rows.select("seq"))
    in_file = table.c.seq.in_(sa.select(staged.c.seq))
    if table is events:
        _note_reads(connection, in_file)
    deleted = connection.execute(sa.delete(table).where(in_file, *movable(table, end.archived_until))).rowcount
    if deleted != file.rows:
        raise _ChangedError(f"{file.rows} rows are in {file.path}, and {deleted} of them in SQL")
    connection.execute(sa.insert(archive_files), [asdict(file)])
    connection.execute(sa.delete(archive_leftovers).where(archive_leftovers.c.path == file.path))
    connection.execute(sa.update(log_position).values(archived_seq=max(end.archived_seq, file.last_seq)))


def _note_reads(connection: Connection, in_file: sa.ColumnElement[bool]) -> None:
    """Note the articles that feeds leave out because of the events that are deleted next."""
    e = events.c
    seen = (
        sa.select(e.reader, e.article, sa.func.min(e.known_at))
        .where(in_file, e.kind.in_(SEEN_KINDS), e.article.is_not(None))
        .group_by(e.reader, e.article)
    )
    # files come in the order of the log, so the time noted first is the earliest
    new: Any = insert(connection, archived_reads).from_select(["reader", "article", "known_at"], seen)
    connection.execute(new.on_conflict_do_nothing())
