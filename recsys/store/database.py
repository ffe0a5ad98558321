"""Database access by URL: SQLite (embedded, WAL) or PostgreSQL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recsys.errors import ConfigError, StoreError, StoreUnavailableError
from recsys.store.circuit_breaker import DatabaseCircuit, is_unavailable
from recsys.store.schema_upgrade import upgrade_if_behind
from recsys.store.writer_turns import WriterTurns

__all__ = ["Connection", "Database", "open_database", "opened", "url_of", "without_timeout"]

_SUPPORTED = {"sqlite": "pysqlite", "postgresql": "psycopg"}
_FIX = "set ATTUNE_DATABASE_URL to sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
_CHECK = "check that it runs, is writable and is not locked by another process,"
_BUSY_MS = 30_000
"""Time that a writer waits for another process's write lock, in milliseconds."""

_NO_TIMEOUT_SECONDS = 300.0
"""Timeout of long queries: a server that is silent for this long is considered gone."""


class Database:
    """Connection pool of one database, with `read` and `write` transactions.

    Attributes:
        circuit: circuit breaker; it is open while the database is unavailable.
    """

    def __init__(self, url: str) -> None:
        """Create the engine without opening a connection.

        Raises:
            ConfigError: the database of the URL is not supported, or its driver is not installed.
            StoreError: the folder of a SQLite file cannot be created.
        """
        self.url = url
        self.circuit = DatabaseCircuit()
        self.engine = _make_engine(url)
        self.dialect: str = self.engine.dialect.name
        file = self.engine.url.database if self.dialect == "sqlite" else None
        self._turns = WriterTurns(Path(file).resolve()) if file and file != ":memory:" else None

    def set_query_timeout(self, patience: float) -> None:
        """Limit the seconds that PostgreSQL may take to accept a connection or to answer a query.

        Closes the connections that are already open.
        """
        if self.dialect == "postgresql":
            from recsys.store.query_timeout import connect_with_timeout

            self.engine.dispose()
            connect_with_timeout(self.engine, patience, self.circuit)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only transaction on one consistent snapshot of the database.

        Raises:
            StoreError: the database cannot be reached, or fails within the transaction.
        """
        with self._transaction(read_only=True) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits on exit and rolls back on an exception.

        Raises:
            StoreError: the database cannot be reached, or fails within the transaction.
        """
        with self._turn(), self._transaction(read_only=False) as connection:
            yield connection

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turns is None or self.circuit.is_open else self._turns.turn()

    @contextmanager
    def _transaction(self, read_only: bool) -> Iterator[Connection]:
        with _connected(self) as connection:
            connection = connection.execution_options(read_only=read_only)
            if read_only and self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def driver_connection(self) -> Iterator[Any]:
        """Open the driver's own connection outside of any transaction, for statements that cannot run in one.

        Raises:
            StoreError: the database cannot be reached, or fails meanwhile.
        """
        with _connected(self) as connection:
            yield connection.connection.driver_connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def url_of(connection: Connection) -> str:
    """Return the URL of the database of `connection`, with its password; the path of a file is absolute."""
    url = connection.engine.url
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":memory:", "file:")):
        url = url.set(database=str(Path(url.database).resolve()))
    return url.render_as_string(hide_password=False)


def open_database(url: str, migrate: bool = True) -> Database:
    """Open `url` and, unless `migrate` is False, upgrade its schema.

    Raises:
        ConfigError: the URL or its driver is wrong.
        StoreError: the database cannot be used, or `migrate` is False and the schema is behind.
    """
    database = Database(url)
    try:
        with _connected(database) as connection:
            upgrade_if_behind(connection, allowed=migrate)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def opened(url: str, migrate: bool = True) -> Iterator[Database]:
    """Open a database as `open_database` does, and close it at the end."""
    database = open_database(url, migrate)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def without_timeout(connection: Connection) -> Iterator[None]:
    """Raise the query timeout of `connection` to the one for long queries."""
    driver: Any = connection.connection.driver_connection
    previous = getattr(driver, "patience", None)
    if previous is None:
        yield
        return
    driver.patience = _NO_TIMEOUT_SECONDS
    try:
        yield
    finally:
        driver.patience = previous


@contextmanager
def _connected(database: Database) -> Iterator[Connection]:
    """Open a connection. Turn every database error into a StoreError that shows neither rows nor password."""
    engine = database.engine
    database.circuit.check()
    try:
        with engine.connect() as connection:
            yield connection
    except (
        DBAPIError,
        PoolTimeoutError,
        engine.dialect.loaded_dbapi.Error,
    ) as error:  # the driver's own errors too: bulk inserts bypass SQLAlchemy
        where = engine.url.render_as_string(hide_password=True)
        reason = str(getattr(error, "orig", error)).strip()
        message = f"cannot use {where}: {reason}; {_CHECK} or {_FIX}"
        if is_unavailable(error):
            database.circuit.trip(message)
            raise StoreUnavailableError(message) from error
        raise StoreError(message) from error


def _make_engine(url: str) -> sa.Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend not in _SUPPORTED:
            raise ConfigError(f"database {backend!r} is not supported; {_FIX}")
        parsed = parsed.set(drivername=f"{backend}+{_SUPPORTED[backend]}")
        if backend == "sqlite" and parsed.database:
            _make_folder(Path(parsed.database).resolve().parent)
        engine = sa.create_engine(parsed, pool_pre_ping=backend == "postgresql")
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(f"{error}; {_FIX}") from error
    except ModuleNotFoundError as error:
        raise ConfigError("PostgreSQL needs its driver: pip install 'attune-feed[postgres]'") from error
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create the database's folder {folder} ({error.strerror}); {_FIX}") from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the begin event below opens transactions, not the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={_BUSY_MS}",
        "temp_store=MEMORY",
        "cache_size=-131072",
        "secure_delete=ON",  # overwrite deleted rows, so that an erasure leaves no copy
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: upgrading a read lock later could fail with SQLITE_BUSY.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
