"""Turns of the processes that change the archive of a database.

The server of PostgreSQL, or the kernel, ends the turn of a process that dies.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import IntEnum
from pathlib import Path

from recsys.errors import StoreError
from recsys.store.database import Database

_PAUSE = 0.02

GAP = 5 * _PAUSE
"""Seconds for which a run leaves the turn free between two files, so that one of those who wait takes it."""


class Turn(IntEnum):
    """RUN: one `attune log archive`. FILES: writing and recording of files, by a run or by an erasure."""

    RUN = 0x41545431
    FILES = 0x41545432


@contextmanager
def held(database: Database, turn: Turn, patience: float) -> Iterator[None]:
    """Hold a turn; no other process of this database has it meanwhile. Wait up to `patience` seconds for it.

    Raises:
        StoreError: another process has it.
    """
    until = time.monotonic() + patience
    while True:
        with _attempt(database, turn) as taken:
            if taken:
                yield
                return
        # nothing is held between two attempts: waiting requests must not use up the connections of a service
        if time.monotonic() >= until:
            raise StoreError(
                "another process changes the archive of this database now: wait until it has ended, then run "
                "the command again"
            )
        time.sleep(_PAUSE)


def _attempt(database: Database, turn: Turn) -> AbstractContextManager[bool]:
    """Take the turn if it is free, and yield whether it was; give it back at the end."""
    return _by_advisory_lock(database, turn) if database.dialect == "postgresql" else _by_file(database, turn)


@contextmanager
def _by_advisory_lock(database: Database, turn: Turn) -> Iterator[bool]:
    # a connection of its own, because transactions come and go while the turn is held
    with database.driver_connection() as driver:
        driver.autocommit = True
        try:
            yield bool(driver.execute("SELECT pg_try_advisory_lock(%s)", (int(turn),)).fetchone()[0])
        finally:
            if not driver.closed:  # the server has released the lock of a lost connection
                driver.execute("SELECT pg_advisory_unlock_all()")
                driver.autocommit = False


@contextmanager
def _by_file(database: Database, turn: Turn) -> Iterator[bool]:
    name = database.engine.url.database
    if not name or name == ":memory:":  # no other process has it
        yield True
        return
    place = Path(name).resolve()
    file = os.open(place.with_name(f"{place.name}-archive-{turn.name.lower()}"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _locked(file)
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
