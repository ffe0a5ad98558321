"""Turns of the processes that change the archive of a database.

The server of PostgreSQL, or the kernel, ends the turn of a process that dies.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import IntEnum
from pathlib import Path

from recsys.errors import StoreError
from recsys.store.database import Database

_PAUSE = 0.02


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
    with _taking(database, turn) as take:
        until = time.monotonic() + patience
        while not take():
            if time.monotonic() >= until:
                raise StoreError(
                    "another process changes the archive of this database now: wait until it has ended, then run "
                    "the command again"
                )
            time.sleep(_PAUSE)
        yield


def _taking(database: Database, turn: Turn) -> AbstractContextManager[Callable[[], bool]]:
    """Yield a function that takes the turn if it is free; give the turn back at the end."""
    return _by_advisory_lock(database, turn) if database.dialect == "postgresql" else _by_file(database, turn)


@contextmanager
def _by_advisory_lock(database: Database, turn: Turn) -> Iterator[Callable[[], bool]]:
    # a connection of its own, because transactions come and go while the turn is held
    with database.driver_connection() as driver:
        driver.autocommit = True
        try:
            yield lambda: bool(driver.execute("SELECT pg_try_advisory_lock(%s)", (int(turn),)).fetchone()[0])
        finally:
            if not driver.closed:  # the server has released the lock of a lost connection
                driver.execute("SELECT pg_advisory_unlock_all()")
                driver.autocommit = False


@contextmanager
def _by_file(database: Database, turn: Turn) -> Iterator[Callable[[], bool]]:
    name = database.engine.url.database
    if not name or name == ":memory:":  # no other process has it
        yield lambda: True
        return
    place = Path(name).resolve()
    file = os.open(place.with_name(f"{place.name}-archive-{turn.name.lower()}"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lambda: _locked(file)
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
