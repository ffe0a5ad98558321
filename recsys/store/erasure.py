"""Erasing a reader from the log: an entry in the order of everything else, so that whoever follows it notices.

The receipt proves to whoever holds it that it is about this reader, and to nobody else: its salt is stored
nowhere, so the database cannot be searched for guessed ids.
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import event_log
from recsys.store.database import without_timeout
from recsys.store.tables import READER_TABLES, erasures, log_position

SYSTEM_READER = ""
"""Stands for a reader where rows were deleted and nobody was erased."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased.

    seq: its place in the log, negative where nothing was erased; at: microseconds; counts: rows by table;
    reader_hash: SHA-256 of salt and reader id; digest: SHA-256 of the rest but the salt; both are stored.
    """

    id: str
    seq: int
    at: int
    salt: str
    reader_hash: str
    counts: Mapping[str, int]
    digest: str

    def is_about(self, reader: str) -> bool:
        """Whether this is the receipt of `reader`, and is as it was given."""
        genuine = self.digest == _digest(self.id, self.seq, self.at, self.reader_hash, self.counts)
        return genuine and self.reader_hash == _reader_hash(self.salt, reader)


def erase(connection: Connection, reader: str, at: int) -> Receipt:
    """Delete every row of `reader`, and put the erasure in the log.

    Erasing a reader never met counts zeros, and takes no place in the log: no state knows anything to forget.
    """
    event_log.lock(connection)
    with without_timeout(connection):
        counts = {
            name: connection.execute(sa.delete(column.table).where(column == reader)).rowcount
            for name, column in sorted(READER_TABLES.items())
        }
    return append_erasure(connection, reader, at, counts)


def append_erasure(connection: Connection, reader: str, at: int, counts: Mapping[str, int]) -> Receipt:
    """Put in the log that rows were deleted: no state from before is used again.

    `reader` is `SYSTEM_READER` if they were deleted for another reason than to forget somebody.
    """
    end = event_log.lock(connection).last_seq
    seq = end + 1 if any(counts.values()) else _outside(connection)
    id_, salt = uuid.uuid4().hex, secrets.token_hex(16)
    hashed = _reader_hash(salt, reader) if reader else SYSTEM_READER
    receipt = Receipt(id_, seq, at, salt, hashed, counts, _digest(id_, seq, at, hashed, counts))
    _store(connection, receipt)
    connection.execute(sa.update(log_position).values(last_seq=max(seq, end)))
    return receipt


def is_stored(connection: Connection, receipt: Receipt) -> bool:
    """Whether this database gave that receipt."""
    query = sa.select(erasures.c.digest).where(erasures.c.id == receipt.id, erasures.c.seq == receipt.seq)
    return connection.execute(query).scalar_one_or_none() == receipt.digest


def last_seq(connection: Connection) -> int:
    """Place of the newest erasure in the log, 0 before the first. A state from before it is not to be used."""
    return max(connection.execute(sa.select(sa.func.max(erasures.c.seq))).scalar_one() or 0, 0)


def last_at(connection: Connection) -> int:
    """When a reader was last erased (microseconds), 0 before the first."""
    of_readers = sa.select(sa.func.max(erasures.c.at)).where(erasures.c.reader_hash != SYSTEM_READER)
    return connection.execute(of_readers).scalar_one() or 0


def _outside(connection: Connection) -> int:
    """The next number for what has no place in the log."""
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
    told = {"id": id_, "seq": seq, "at": at, "reader_hash": reader_hash, "counts": dict(counts)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
