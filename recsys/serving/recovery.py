"""What was shown while the database was away comes to the log once it is back.

Its `known_at` is when it is stored, as of everything that is received: until then no state knew of it, so a replay
of what was answered meanwhile gives the same answers. There are two exceptions. A reader whose history ring has
overflowed is answered without what only the log still holds. And a process that alone lost the database answers
without what others wrote before its `as_of`, if it had not folded that before.
"""

from dataclasses import replace

from recsys.domain import Slate
from recsys.frames import slates_frame
from recsys.serving.clock import Clock
from recsys.serving.spool import ERASED, Spool
from recsys.store import erasure, event_log
from recsys.store.database import Database


def is_reachable(database: Database) -> None:
    """Try the database: a row is locked as for an append, and let go.

    Raises:
        StoreError: it still cannot be used.
    """
    with database.circuit.probing(), database.write() as connection:
        event_log.lock(connection)


def store_spooled(database: Database, spool: Spool, clock: Clock) -> int:
    """Store what is spooled, each slate once; returns how many were new to the log.

    Slates from before the last erasure are dropped: one may be of the reader who was erased.

    Raises:
        StoreError: the database cannot be used; everything stays in the spool.
    """
    with spool.emptied() as slates:
        if not slates:
            return 0
        with database.circuit.probing(), database.write() as connection:
            end = event_log.lock(connection)
            since = erasure.last_at(connection)
            kept = [slate for slate in slates if slate.at > since]
            clock.at_least(end.last_known_at)
            stored = event_log.append(connection, None, slates_frame(_stamped(kept, clock))).slates_stored
    for _ in range(len(slates) - len(kept)):
        spool.drop(ERASED)
    return stored


def _stamped(slates: list[Slate], clock: Clock) -> list[Slate]:
    first = clock.next(len(slates)) if slates else 0
    return [replace(slate, known_at=first + place) for place, slate in enumerate(slates)]
