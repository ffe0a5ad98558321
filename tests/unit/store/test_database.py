"""Whatever a database fails at is a StoreError that says where, why and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.errors import StoreError
from recsys.store import database as module
from recsys.store.database import Database, open_database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_MS", 1)


@pytest.fixture
def held(impatient: None, sqlite_database: Database) -> Iterator[Database]:
    """A database whose write lock another process has."""
    with closing(sqlite3.connect(str(sqlite_database.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield sqlite_database


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_text("a diary, not a database " * 100)
    with pytest.raises(StoreError, match=r"junk\.db: file is not a database; .*ATTUNE_DATABASE_URL"):
        open_database(f"sqlite:///{tmp_path}/junk.db")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"folder .*file/x .*ATTUNE_DATABASE_URL"):
        open_database(f"sqlite:///{tmp_path}/file/x/attune.db")


def test_a_lock_held_elsewhere_is_an_error(held: Database) -> None:
    with pytest.raises(StoreError, match="locked"), held.write():
        pass


def test_a_file_that_turns_bad_later_is_an_error(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/attune.db")) as opened:
        with opened.write() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
        opened.close()
        (tmp_path / "attune.db").write_bytes(b"x" * 8192)
        with pytest.raises(StoreError, match=r"attune\.db: file is not a database"), opened.read() as connection:
            connection.exec_driver_sql("SELECT * FROM t")


def test_a_statement_that_fails_names_its_cause_but_no_rows(sqlite_database: Database) -> None:
    with pytest.raises(StoreError, match="no such table") as reported, sqlite_database.read() as connection:
        connection.execute(sa.text("SELECT * FROM missing WHERE x = :x"), {"x": "a reader's secret"})
    assert "secret" not in str(reported.value)
    assert isinstance(reported.value.__cause__, sa.exc.OperationalError)


def test_errors_of_our_own_pass_through(sqlite_database: Database) -> None:
    with pytest.raises(KeyError), sqlite_database.write():
        raise KeyError("ours")


def test_a_statement_past_sqlalchemy_fails_alike(sqlite_database: Database) -> None:
    with pytest.raises(StoreError, match="no such table"), sqlite_database.write() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.executemany("INSERT INTO missing VALUES (?)", [(1,)])


def test_a_server_that_drops_the_connection_is_an_error_and_used_again(postgres_admin_url: str) -> None:
    with closing(Database(postgres_admin_url)) as opened:
        with pytest.raises(StoreError, match="terminating connection"), opened.read() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        with opened.read() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
