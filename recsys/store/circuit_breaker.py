"""Whether the database can be used: known to all, so that not everybody has to wait to find out."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recsys.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

_SQLITE = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_LOCKED", "SQLITE_READONLY")
_POSTGRESQL = ("08", "53", "57P")
"""How codes begin of connections that fail, of what runs out (disk, memory, connections), and of a shutdown."""


class DatabaseCircuit:
    """What a process knows of its database. Of one that nobody probes nothing is remembered."""

    def __init__(self) -> None:
        self._probed = False
        self._why: str | None = None
        self._prober: int | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether it could not be used when last tried."""
        return self._why is not None

    def enable_probing(self) -> None:
        """From now on somebody will tell with `reset` when it is back."""
        self._probed = True

    def check(self) -> None:
        """Let only who probes go on while the database is away.

        Raises:
            StoreUnavailableError: it is.
        """
        why = self._why
        if why is not None and threading.get_ident() != self._prober:
            raise StoreUnavailableError(why)

    def trip(self, why: str) -> None:
        """It cannot be used."""
        with self._lock:
            if self._probed and self._why is None:
                self._why = why
                logger.error("the database is away, feeds are answered from memory: %s", why)

    def reset(self) -> None:
        """It can be used again."""
        with self._lock:
            if self._why is not None:
                self._why = None
                logger.warning("the database is back")

    @contextmanager
    def probing(self) -> Iterator[None]:
        """This thread tries it whatever is known."""
        self._prober = threading.get_ident()
        try:
            yield
        finally:
            self._prober = None


def is_unavailable(error: BaseException) -> bool:
    """Whether `error` says that the database cannot be used now, and not that a question is wrong."""
    if isinstance(error, PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = getattr(error, "orig", error)
    name = getattr(cause, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(_SQLITE)
    if not {"OperationalError", "InterfaceError"} & {kind.__name__ for kind in type(cause).__mro__}:
        return False
    code = getattr(cause, "sqlstate", None)
    return code is None or str(code).startswith(_POSTGRESQL)
