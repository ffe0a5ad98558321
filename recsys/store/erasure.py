"""Erasure of a reader. Each erasure is an entry in the log, so that every process that follows the log notices it.

Only the holder of a receipt can prove that it concerns a reader: its salt is not stored, so the database cannot be
searched by guessing reader ids.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import archive_rewrite, event_log
from recsys.store.archive_rewrite import Rewritten
from recsys.store.database import without_timeout
from recsys.store.tables import DERIVED_READER_TABLES, READER_TABLES, erasures, log_position

SYSTEM_READER = ""
"""Stands for the reader where rows were deleted without erasing a reader."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Receipt of an erasure.

    seq: its position in the log, negative if nothing was erased; at: microseconds; counts: rows by table;
    reader_hash: SHA-256 of salt and reader id; digest: SHA-256 of all other fields but the salt. All but the salt
    are stored.
    """

    id: str
    seq: int
    at: int
    salt: str
    reader_hash: str
    counts: Mapping[str, int]
    digest: str

    def is_about(self, reader: str) -> bool:
        """Return True if this is an unaltered receipt of `reader`."""
        genuine = self.digest == _digest(self.id, self.seq, self.at, self.reader_hash, self.counts)
        return genuine and self.reader_hash == _reader_hash(self.salt, reader)


def erase(connection: Connection, reader: str, at: int, archived: Rewritten | None = None) -> Receipt:
    """Delete every row of `reader`, and append the erasure to the log.

    archived: files of the archive without the reader; None for a log without an archive. They are
    recorded here.

    For an unknown reader all counts are 0 and the log gets no entry: no state holds anything to forget.

    Raises:
        StoreError: the archive has files that are not among those of `archived`.
    """
    event_log.lock(connection)
    rewritten = archived or Rewritten()
    with without_timeout(connection):
        counts = {
            name: connection.execute(sa.delete(column.table).where(column == reader)).rowcount
            + rewritten.counts.get(name, 0)
            for name, column in sorted(READER_TABLES.items())
        }
        for column in DERIVED_READER_TABLES.values():
            connection.execute(sa.delete(column.table).where(column == reader))
        archive_rewrite.record(connection, rewritten)
    return append_erasure(connection, reader, at, counts)


def append_erasure(connection: Connection, reader: str, at: int, counts: Mapping[str, int]) -> Receipt:
    """Append a deletion of rows to the log, so that no earlier state is used again.

    `reader` is `SYSTEM_READER` if the deletion does not erase a reader.
    """
    end = event_log.lock(connection).last_seq
    seq = end + 1 if any(counts.values()) else _next_negative_seq(connection)
    id_, salt = uuid.uuid4().hex, secrets.token_hex(16)
    reader_hash = _reader_hash(salt, reader) if reader else SYSTEM_READER
    receipt = Receipt(id_, seq, at, salt, reader_hash, counts, _digest(id_, seq, at, reader_hash, counts))
    _store(connection, receipt)
    connection.execute(sa.update(log_position).values(last_seq=max(seq, end)))
    return receipt


def is_stored(connection: Connection, receipt: Receipt) -> bool:
    """Return True if this database issued the receipt."""
    query = sa.select(erasures.c.digest).where(erasures.c.id == receipt.id, erasures.c.seq == receipt.seq)
    return connection.execute(query).scalar_one_or_none() == receipt.digest


def last_seq(connection: Connection) -> int:
    """Return the log position of the newest erasure, 0 if none. Earlier states must not be used."""
    return max(connection.execute(sa.select(sa.func.max(erasures.c.seq))).scalar_one() or 0, 0)


def first_after(connection: Connection, seq: int) -> int | None:
    """Return the log position of the first erasure after row `seq`, None without one."""
    query = sa.select(sa.func.min(erasures.c.seq)).where(erasures.c.seq > seq)
    found: int | None = connection.execute(query).scalar_one()
    return found


def last_at(connection: Connection) -> int:
    """Return when a reader was last erased (microseconds), 0 if never."""
    of_readers = sa.select(sa.func.max(erasures.c.at)).where(erasures.c.reader_hash != SYSTEM_READER)
    return connection.execute(of_readers).scalar_one() or 0


def _next_negative_seq(connection: Connection) -> int:
    """Return the next number for a receipt without a log position."""
    return min(connection.execute(sa.select(sa.func.min(erasures.c.seq))).scalar_one() or 0, 0) - 1


def _store(connection: Connection, receipt: Receipt) -> None:
    connection.execute(
        sa.insert(erasures).values(
            seq=receipt.seq,
            id=receipt.id,
            at=receipt.at,
            reader_hash=receipt.reader_hash,
            counts=json.dumps(receipt.counts, sort_keys=True),
            digest=receipt.digest,
        )
    )


def _reader_hash(salt: str, reader: str) -> str:
    return hashlib.sha256(f"{salt}:{reader}".encode()).hexdigest()


def _digest(id_: str, seq: int, at: int, reader_hash: str, counts: Mapping[str, int]) -> str:
    content = {"id": id_, "seq": seq, "at": at, "reader_hash": reader_hash, "counts": dict(counts)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
