"""Archived rows of one table by sequence number, for somebody who goes through the log batch by batch."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import log_archive
from recsys.store.log_archive import SCHEMAS, ArchivedFile
from recsys.store.tables import archive_files

MOST_HELD = 200_000
"""Most rows in memory, unless a batch is larger. Files are read again only where more rows of files overlap."""


class ArchiveCursor:
    """Reader of the archived rows of a table after a sequence number that grows from call to call.

    Rows that were read, but not returned yet, stay in memory, so that each file is read once. Files are in the
    order of the fold, not of appending, so the numbers of several may overlap: those are held together. A smaller
    number than before, or a file that was changed by an erasure, starts afresh.

    Attributes:
        held: rows in memory, with the columns and `seq`, in the order of appending.
    """

    def __init__(self, table: sa.Table, columns: Sequence[str], most_held: int = MOST_HELD) -> None:
        """Read `columns` of the rows of `table`."""
        self._table = table
        self._most_held = most_held
        self._seq = 0
        self._read: dict[ArchivedFile, int] = {}
        """Files, and the sequence number up to which their rows were read."""
        self.held = pl.DataFrame(schema={name: SCHEMAS[table.name][name] for name in ("seq", *columns)})

    def rows_after(self, connection: Connection, seq: int, most: int) -> pl.DataFrame:
        """Return up to `most` rows with a sequence number above `seq`, in the order of appending.

        Raises:
            ArchiveError: a file is missing or damaged.
        """
        a = archive_files.c
        ahead = log_archive.files(connection, self._table, a.last_seq > seq, a.rows > 0)
        changed = {file for file in self._read if file.last_seq > seq}.difference(ahead)
        if changed or seq < self._seq:
            self._read, self.held = {}, self.held.clear()
        held = self.held[int(self.held["seq"].search_sorted(seq, side="right")) :]
        held = held if held.height else held.clear()  # a part of a frame keeps the whole frame in memory
        read = {file: self._read[file] for file in ahead if file in self._read}
        first_unread = {file: max(read.get(file, 0) + 1, file.first_seq) for file in ahead}
        for file, first in sorted(first_unread.items(), key=lambda item: item[1]):
            if first > file.last_seq:
                continue
            if held.height >= most and first > held["seq"][most - 1]:
                break
            rows = log_archive.read(file, held.columns).filter(pl.col("seq") >= max(first, seq + 1))
            held, read[file] = pl.concat([held, rows]).sort("seq"), file.last_seq
            if held.height > (limit := max(self._most_held, most)):
                held = held.head(limit)
                last: int = held["seq"][-1]
                read = {each: min(until, last) for each, until in read.items()}
        self.held, self._read, self._seq = held, read, seq
        return held.head(most)
