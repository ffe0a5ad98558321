"""Erasing a reader everywhere: the log, what is derived from it, and the files beside it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.reject_privacy import erase_rejected_rows
from recsys.errors import ErasureError, StoreError
from recsys.projection.snapshot_store import Snapshots
from recsys.store import audit_log, erasure
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database
from recsys.store.erasure import Receipt
from recsys.store.secure_delete import purge_deleted_rows

Store = Callable[[Callable[[], Receipt]], Receipt]
"""Runs a write to the log; a service lets nobody be answered before what it appended is folded."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The receipt, and how many rejected rows went from the files of ingest jobs."""

    receipt: Receipt
    rejects: int


def erase(
    database: Database, home: Path, reader: str, actor: str, store: Store | None = None, named: str | None = None
) -> Erased:
    """Erase `reader`. Other processes notice it as they follow the log, and fold theirs anew.

    `named` is the reader's id as files that were imported have it, if it is another than the stored one.

    Raises:
        StoreError: the database cannot be reached.
        ErasureError: its files cannot be scrubbed yet; erasing again goes on.
    """

    def write() -> Receipt:
        with database.write() as connection:
            receipt = erasure.erase(connection, reader, time.time_ns() // 1_000)
            audit_log.record(connection, AuditRow(receipt.at, actor, AuditAction.READER_ERASED, receipt.id))
        return receipt

    receipt = write() if store is None else store(write)
    with database.read() as connection:  # of an erasure that was broken off too: erasing again takes no place
        Snapshots(home / "state").drop_before(erasure.last_seq(connection))
    rejects = sum(erase_rejected_rows(home / "rejects", each) for each in {reader, named or reader})
    try:
        purge_deleted_rows(database)
    except StoreError as error:
        raise ErasureError(str(error)) from error
    return Erased(receipt, rejects)
