"""After a deletion: no trace of it in the files of the database.

Every connection of Attune overwrites the rows it deletes; the write-ahead log is cut here. PostgreSQL's VACUUM,
which runs by itself, clears the pages there; its write-ahead log and backups age out.
"""

from contextlib import closing
from typing import Any

from recsys.errors import StoreError
from recsys.store.database import Database


def purge_deleted_rows(database: Database) -> None:
    """Leave no deleted row in the files of a SQLite database; does nothing on PostgreSQL.

    Raises:
        StoreError: another process reads a state from before the deletion for so long that its log cannot be cut.
    """
    if database.dialect != "sqlite":
        return
    with database.driver_connection() as driver:
        if _value(driver, "PRAGMA wal_checkpoint(TRUNCATE)"):
            raise StoreError(
                "the rows are deleted, but the write-ahead log still holds them, because another process has been "
                "reading since before: erase the reader again when it is done"
            )


def _value(driver: Any, statement: str) -> int:
    with closing(driver.execute(statement)) as cursor:
        return int(cursor.fetchone()[0])
