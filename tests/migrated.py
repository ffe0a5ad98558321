"""Databases with their schema: copies of one that was migrated once, which takes a tenth of the time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from recsys.store.database import open_database
from tests.postgres import fresh_postgres


def sqlite_url(folder: Path) -> str:
    """URL of `attune.db` in `folder`, which is made with its schema if it is missing."""
    file = folder / "attune.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())
    return f"sqlite:///{file}"


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "attune.db"
        open_database(f"sqlite:///{file}").close()
        return file.read_bytes()


@contextmanager
def postgres_template(admin_url: str) -> Iterator[str]:
    """Name of a database with the schema, to which nobody is connected."""
    with fresh_postgres(admin_url) as url:
        open_database(url).close()
        yield str(sa.engine.make_url(url).database)
