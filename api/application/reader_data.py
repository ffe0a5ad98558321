"""Use-cases about the data of one reader: attention profile, export, erasure."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.application.context import Application
from api.application.iso_time import to_iso
from ingest.reject_privacy import erase_rejected_rows, rejected_rows_of
from recsys.errors import ErasureError, StoreError
from recsys.insight.reader_profile import attention_profile
from recsys.projection.snapshot_store import Snapshots
from recsys.store import archive_rewrite, archive_turns, articles, audit_log, erasure, reader_export
from recsys.store.archive_rewrite import Rewritten
from recsys.store.archive_turns import Turn
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database
from recsys.store.erasure import Receipt
from recsys.store.log_archiver import PATIENCE
from recsys.store.secure_delete import purge_deleted_rows

_TIMES = frozenset(("at", "known_at", "first_seen_at", "expires_at"))


@dataclass(frozen=True, slots=True)
class Export:
    """All stored data of a reader: rows by table, rejected rows of ingest jobs, and the time of the export."""

    exported_at: int
    tables: dict[str, list[dict[str, Any]]]
    rejected: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Erased:
    """Receipt, and number of rejected rows that were deleted from files of ingest jobs."""

    receipt: Receipt
    rejects: int


def get_attention(app: Application, reader: str) -> dict[str, Any]:
    """Return the attention profile of `reader`: see `insight.reader_profile`."""
    return app.feed.with_engine(lambda engine, as_of: attention_profile(engine, reader, as_of), reader)


def export_reader(app: Application, reader: str, raw_id: str) -> Export:
    """Export all stored data of `reader`; `raw_id`: the id in imported files, if pseudonyms are used.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        tables = reader_export.export(connection, reader)
        named = {id_ for rows in tables.values() for row in rows for id_ in _articles(row)}
        titles = dict(articles.get(connection, sorted(named)).select("id", "title").iter_rows())
    tables = {name: [_readable(row, titles) for row in rows] for name, rows in tables.items()}
    folder = app.settings.home / "rejects"  # rows of pages have the stored id, rows of files the raw one
    rejected = [row for each in sorted({reader, raw_id}) for row in rejected_rows_of(folder, each)]
    return Export(time.time_ns() // 1_000, tables, rejected)


def _articles(row: Mapping[str, Any]) -> list[str]:
    """Return the articles that a row names."""
    candidates = row.get("candidates")
    one = [row["article"]] if row.get("article") else []
    return [*one, *(candidates if isinstance(candidates, list) else ())]


def _readable(row: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with times as ISO 8601, and with the titles of its articles."""
    found = {name: to_iso(value) if name in _TIMES and value is not None else value for name, value in row.items()}
    about = [titles.get(id_, "") for id_ in _articles(row)]
    return {**found, "titles": about} if about else found


def erase_reader(app: Application, reader: str, actor: str, raw_id: str | None = None) -> Erased:
    """Erase `reader` from the log, from derived data and from files. Other processes notice it in the log.

    `raw_id`: the reader's id in imported files, if it differs from the stored one.

    Raises:
        StoreError: the database is unavailable.
        ErasureError: deleted rows cannot be purged from the files of the database or the archive yet; erase the
            reader again.
    """
    if archive_rewrite.is_needed(app.database):
        receipt = _erase_with_archive(app, reader, actor)
    else:
        receipt = app.between_answers(partial(_delete_rows, app.database, reader, actor))
    home = app.settings.home
    with app.database.read() as connection:  # also needed after an interrupted erasure; repeating it is safe
        Snapshots(home / "state").drop_before(erasure.last_seq(connection))
    rejects = sum(erase_rejected_rows(home / "rejects", each) for each in {reader, raw_id or reader})
    try:
        purge_deleted_rows(app.database)
    except StoreError as error:
        raise ErasureError(str(error)) from error
    return Erased(receipt, rejects)


def _erase_with_archive(app: Application, reader: str, actor: str) -> Receipt:
    """Erase a reader from the log and its archive.

    Raises:
        StoreError: the archive cannot be read or written, or the database is unavailable.
        ErasureError: the rows are deleted, but a file that had them is not yet.
    """
    with archive_turns.held(app.database, Turn.FILES, PATIENCE):
        archived = archive_rewrite.prepare(app.database, reader)
        problems: list[StoreError] = []

        def write() -> Receipt:
            receipt = _delete_rows(app.database, reader, actor, archived)
            try:  # here, because the fold that follows may fail
                archive_rewrite.finish(app.database)
            except StoreError as error:
                problems.append(error)
            return receipt

        receipt = app.between_answers(write)
    for error in problems:
        raise ErasureError(f"the rows are deleted, but {error}; then erase the reader again") from error
    return receipt


def _delete_rows(database: Database, reader: str, actor: str, archived: Rewritten | None = None) -> Receipt:
    with database.write() as connection:
        receipt = erasure.erase(connection, reader, time.time_ns() // 1_000, archived)
        audit_log.record(connection, AuditRow(receipt.at, actor, AuditAction.READER_ERASED, receipt.id))
    return receipt
