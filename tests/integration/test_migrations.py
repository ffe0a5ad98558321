"""The migrations give the tables that the code works with, on both databases, also from a wheel."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from recsys.store import api_keys
from recsys.store.api_keys import KeyRow
from recsys.store.database import Database
from recsys.store.schema_upgrade import alembic_config, upgrade_if_behind

ROOT = Path(__file__).parents[2]
PACKAGED = ("pyproject.toml", "LICENSE", "README.md", "recsys", "ingest", "api", "migrations")


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        command.check(alembic_config(connection))


def test_keys_of_the_first_schema_stay_valid(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection:
        with connection.begin():
            command.upgrade(alembic_config(connection), "0010")
            columns = "(id, digest, scope, name, created_at)"
            connection.execute(sa.text(f"INSERT INTO api_keys {columns} VALUES ('k', 'd', 'read', 'ops', 1)"))
        assert upgrade_if_behind(connection)
    with database.read() as connection:
        assert api_keys.all_keys(connection) == [KeyRow("k", "d", "read", "ops", 1)]
    database.close()


def test_the_index_of_preferences_covers_only_them(database: Database) -> None:
    source = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'ix_events_preferences'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_events_preferences'",
    }
    with database.read() as connection:
        made = connection.execute(sa.text(source[database.dialect])).scalar_one()
    assert "article IS NULL" in made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, unpacked: what an installation puts on the path."""
    source, built, unpacked = (tmp_path_factory.mktemp(name) for name in ("source", "built", "unpacked"))
    for name in PACKAGED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = [
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(built),
        str(source),
    ]
    subprocess.run([sys.executable, "-m", *build], check=True)
    (archive,) = built.glob("*.whl")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unpacked)
    return unpacked


def test_a_wheel_holds_its_migrations_and_licence_but_no_tests(wheel: Path) -> None:
    names = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {"recsys/store/migrations/env.py", "recsys/store/migrations/versions/0010_initial.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    folders = {name.split("/")[0].split("-")[0] for name in names}
    assert folders == {"recsys", "ingest", "api", "attune_client", "attune_feed"}


def test_a_wheel_migrates_a_fresh_database(wheel: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "migrate", "--database-url", f"sqlite:///{tmp_path}/new.db"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "the schema of the sqlite database is up to date\n", done.stderr
    where = "import recsys.store.schema_upgrade as s; print(s._migrations())"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()) == wheel / "recsys/store/migrations"
