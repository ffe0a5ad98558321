"""Removal of deleted rows from the database files.

Every connection of Attune overwrites the rows it deletes (`secure_delete`). But when SQLite moves rows between
pages, it leaves copies in gaps of tables and indexes, so the whole file is rewritten here. PostgreSQL's VACUUM,
which runs by itself, clears the pages there; its write-ahead log and backups age out.
"""

from contextlib import closing
from typing import Any

from recsys.errors import StoreError
from recsys.store.database import Database


def purge_deleted_rows(database: Database) -> None:
    """Remove every trace of deleted rows from the files of a SQLite database; do nothing on PostgreSQL.

    Writers wait for it: about 3 s for 830,000 events (360 MB).

    Raises:
        StoreError: another process still reads a snapshot from before the deletion, so the write-ahead log cannot
            be truncated.
    """
    if database.dialect != "sqlite":
        return
    with database.driver_connection() as driver:
        driver.execute("PRAGMA temp_store=FILE").close()  # the copy may be larger than memory
        driver.execute("VACUUM").close()
        driver.execute("PRAGMA temp_store=MEMORY").close()
        if _value(driver, "PRAGMA wal_checkpoint(TRUNCATE)"):
            raise StoreError(
                "the rows are deleted, but the write-ahead log still holds them, because another process reads an "
                "older snapshot: erase the reader again when it is done"
            )


def _value(driver: Any, statement: str) -> int:
    with closing(driver.execute(statement)) as cursor:
        return int(cursor.fetchone()[0])
