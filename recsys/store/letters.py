"""Newsletters by reader and period: each is claimed before it is made, so that no two processes send it twice.

A claim begins as `making`: nothing has left this machine, so an interrupted one is made again. It is a new slate
with a request id of its own, because the log keeps one slate of each id. `sending` is committed before the mail
server is contacted; a letter that a killed process left there is `unknown` from then on, and is never sent again.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert
from recsys.store.tables import letters, readers, unsubscribed


class LetterStatus(StrEnum):
    """State of a letter. The last four are ends; only `failed` is tried again: the server has refused it."""

    MAKING = "making"
    SENDING = "sending"
    WRITTEN = "written"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


_OPEN = (LetterStatus.MAKING, LetterStatus.FAILED)


def claim(
    connection: Connection, wanted: Sequence[str], period: str, at: int, written: Collection[str]
) -> Mapping[str, str]:
    """Claim the letters of readers for a period; return the request id of each that may be made.

    Those that were sent, written or unknown are left out, and readers who unsubscribed or were erased meanwhile.

    Args:
        connection: in a transaction.
        wanted: stored ids of readers.
        period: of the letters.
        at: now (microseconds).
        written: request ids of letters that are already files. A claim of an earlier run keeps its id if its file
            was written; else its slate is made anew, under a new id.
    """
    here = sa.select(readers.c.id).where(readers.c.id.in_(wanted), readers.c.id.not_in(_refusing()))
    wanted = list(connection.execute(here).scalars())
    if not wanted:
        return {}
    new = {reader: uuid.uuid4().hex for reader in wanted}
    rows = [
        {"reader": r, "period": period, "status": LetterStatus.MAKING, "request_id": id_, "at": at}
        for r, id_ in new.items()
    ]
    connection.execute(insert(connection, letters).on_conflict_do_nothing(), rows)
    mine = sa.and_(letters.c.period == period, letters.c.reader.in_(wanted), letters.c.status.in_(_OPEN))
    connection.execute(sa.update(letters).where(mine).values(status=LetterStatus.MAKING, at=at))
    found = connection.execute(sa.select(letters.c.reader, letters.c.request_id).where(mine))
    claims = {row.reader: row.request_id for row in found}
    again = [reader for reader, id_ in claims.items() if id_ != new[reader] and id_ not in written]
    for reader in again:
        claims[reader] = new[reader]
        connection.execute(
            sa.update(letters).where(mine, letters.c.reader == reader).values(request_id=new[reader])
        )
    return claims


def begin_sending(connection: Connection, reader: str, period: str, at: int) -> bool:
    """Mark a claimed letter as being sent.

    Return False if it must not be sent: another process has done so, or the reader unsubscribed or was erased.
    """
    mine = (letters.c.reader == reader, letters.c.period == period, letters.c.status == LetterStatus.MAKING)
    wanted = letters.c.reader.not_in(_refusing())
    update = sa.update(letters).where(*mine, wanted).values(status=LetterStatus.SENDING, at=at)
    return connection.execute(update).rowcount == 1


def finish(connection: Connection, wanted: Sequence[str], period: str, status: LetterStatus, at: int) -> None:
    """Store how letters ended."""
    before = (LetterStatus.MAKING, LetterStatus.SENDING, LetterStatus.UNKNOWN)
    _set(connection, wanted, period, status, at, before)


def release(connection: Connection, wanted: Sequence[str], period: str) -> None:
    """Give up the claims of letters that were not made, so that a later run may make them."""
    mine = (letters.c.reader.in_(wanted), letters.c.period == period, letters.c.status == LetterStatus.MAKING)
    connection.execute(sa.delete(letters).where(*mine))


def mark_interrupted(connection: Connection, period: str, at: int) -> None:
    """Mark the letters that were being sent as unknown: their sender may have died after they left."""
    being_sent = (letters.c.period == period, letters.c.status == LetterStatus.SENDING)
    connection.execute(sa.update(letters).where(*being_sent).values(status=LetterStatus.UNKNOWN, at=at))


def of_status(connection: Connection, period: str, status: LetterStatus) -> list[str]:
    """Return the readers whose letter of a period has this status, in order."""
    query = sa.select(letters.c.reader).where(letters.c.period == period, letters.c.status == status)
    return list(connection.execute(query.order_by(letters.c.reader)).scalars())


def known_readers(connection: Connection) -> list[str]:
    """Return all readers who have rows in the log, in order."""
    return list(connection.execute(sa.select(readers.c.id).order_by(readers.c.id)).scalars())


def unsubscribe(connection: Connection, reader: str, at: int) -> None:
    """Store that a reader wants no newsletter."""
    new = insert(connection, unsubscribed).values(reader=reader, at=at)
    connection.execute(new.on_conflict_do_nothing(index_elements=["reader"]))


def subscribe(connection: Connection, reader: str) -> None:
    """Store that a reader wants newsletters again."""
    connection.execute(sa.delete(unsubscribed).where(unsubscribed.c.reader == reader))


def unsubscribed_readers(connection: Connection) -> set[str]:
    """Return the readers who want no newsletter."""
    return set(connection.execute(_refusing()).scalars())


def _refusing() -> sa.Select[str]:
    return sa.select(unsubscribed.c.reader)


def _set(
    connection: Connection,
    wanted: Sequence[str],
    period: str,
    status: LetterStatus,
    at: int,
    before: Sequence[LetterStatus],
) -> None:
    rows = (letters.c.period == period, letters.c.reader.in_(wanted), letters.c.status.in_(before))
    connection.execute(sa.update(letters).where(*rows).values(status=status, at=at))
