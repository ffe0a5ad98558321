"""Schema version: location of the migrations, and upgrade of a database."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from recsys.errors import StoreError


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration. `connection` is used as it is, inside its own transaction."""
    config = Config()
    config.set_main_option("script_location", str(_migrations()))
    config.attributes["connection"] = connection
    return config


def upgrade_if_behind(connection: Connection, allowed: bool = True) -> bool:
    """Run the missing migrations. Return True if there were any.

    Raises:
        StoreError: the schema is behind and `allowed` is False, or it is newer than this version of Attune.
    """
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(alembic_config())
    if current == script.get_current_head():
        return False
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise StoreError(
            f"this version does not know the schema {current} of the database: upgrade Attune, or, if it "
            "is from before 0.1.0, ingest the log into a new database"
        )
    if not allowed:
        raise StoreError("the database schema is behind: run `attune migrate`")
    with connection.begin():
        command.upgrade(alembic_config(connection), "head")
    return True


def _migrations() -> Path:
    """Return the folder of the migrations: inside the package in a wheel, beside it in a checkout."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"
