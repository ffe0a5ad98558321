"""Recovery: slates shown while the database was unavailable are logged afterwards.

They get the time of storing as `known_at`, like all received rows: no state knew them before, so a replay of the
answers meanwhile gives the same answers. There are two exceptions. A reader whose history ring has overflowed is
answered without the reads that only the log has. And if only one process loses the database, it answers without
the rows that others wrote before its `as_of`, unless it had folded them.
"""

from dataclasses import replace

from recsys.domain import Slate
from recsys.frames import slates_frame
from recsys.serving.clock import Clock
from recsys.serving.spool import ERASED, Spool
from recsys.store import erasure, event_log
from recsys.store.database import Database


def probe(database: Database) -> None:
    """Check that the database can be written: lock a row as for an append, and release it.

    Raises:
        StoreError: the database is still unavailable.
    """
    with database.circuit.probing(), database.write() as connection:
        event_log.lock(connection)


def store_spooled(database: Database, spool: Spool, clock: Clock) -> int:
    """Store the spooled slates, each once; return the number of slates that were new to the log.

    Slates from before the last erasure are dropped: one may be of the erased reader.

    Raises:
        StoreError: the database is unavailable; all slates stay in the spool.
    """
    with spool.emptied() as slates:
        if not slates:
            return 0
        with database.circuit.probing(), database.write() as connection:
            end = event_log.lock(connection)
            since = erasure.last_at(connection)
            current = [slate for slate in slates if slate.at > since]
            clock.at_least(end.last_known_at)
            stored = event_log.append_frames(
                connection, None, slates_frame(_stamped(current, clock))
            ).slates_stored
    for _ in range(len(slates) - len(current)):
        spool.drop(ERASED)
    return stored


def _stamped(slates: list[Slate], clock: Clock) -> list[Slate]:
    first = clock.next(len(slates)) if slates else 0
    return [replace(slate, known_at=first + place) for place, slate in enumerate(slates)]
