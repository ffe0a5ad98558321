"""Turns of the writers of one SQLite file, across processes.

SQLite itself lets a waiting writer sleep for up to 100 ms before it tries again, so a busy process could keep the
others waiting for seconds.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MOST_SECONDS = 10.0
"""Longest wait for a turn. Then SQLite decides, and reports that the database is locked."""

_PAUSE = 0.0005


class WriterTurns:
    """Lock file beside a database; the kernel releases it if its holder dies."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-turn")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other thread or process has its turn."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(file)
            yield
        finally:
            os.close(file)


def _lock(file: int) -> None:
    until = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < until:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
