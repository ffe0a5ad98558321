"""Circuit breaker for the database: while it is open, calls fail at once instead of waiting for a timeout."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recsys.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

_SQLITE_ERRORS = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_READONLY",
)
_POSTGRESQL_STATES = ("08", "53", "57P")
"""Prefixes of SQLSTATE codes: connection failure, exhausted resources (disk, memory, connections), shutdown."""


class DatabaseCircuit:
    """Circuit breaker of one process. It opens only if a background job probes the database to close it again."""

    def __init__(self) -> None:
        self._probed = False
        self._reason: str | None = None
        self._prober: int | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Return True if the database was unavailable when last used."""
        return self._reason is not None

    def enable_probing(self) -> None:
        """Allow the circuit to open: from now on a background job probes the database and calls `reset`."""
        self._probed = True

    def check(self) -> None:
        """Fail while the circuit is open, except in the probing thread.

        Raises:
            StoreUnavailableError: the circuit is open.
        """
        reason = self._reason
        if reason is not None and threading.get_ident() != self._prober:
            raise StoreUnavailableError(reason)

    def trip(self, reason: str) -> None:
        """Open the circuit for the reason `reason`."""
        with self._lock:
            if self._probed and self._reason is None:
                self._reason = reason
                logger.error("the database is unavailable, feeds are served from memory: %s", reason)

    def reset(self) -> None:
        """Close the circuit."""
        with self._lock:
            if self._reason is not None:
                self._reason = None
                logger.warning("the database is available again")

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Let this thread use the database while the circuit is open."""
        self._prober = threading.get_ident()
        try:
            yield
        finally:
            self._prober = None


def is_unavailable(error: BaseException) -> bool:
    """Return True if `error` means that the database is unavailable, and False if the statement is at fault."""
    if isinstance(error, PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    driver_error = getattr(error, "orig", error)
    name = getattr(driver_error, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(_SQLITE_ERRORS)
    if not {"OperationalError", "InterfaceError"} & {class_.__name__ for class_ in type(driver_error).__mro__}:
        return False
    code = getattr(driver_error, "sqlstate", None)
    return code is None or str(code).startswith(_POSTGRESQL_STATES)
