"""What administrators do to models, on record."""

from pathlib import Path

from recsys.feed import activation
from recsys.store import audit
from recsys.store.audit import Act, AuditRow
from recsys.store.database import Database


def activate(database: Database, home: Path, version: str, encoder: str, actor: str) -> None:
    """Make a bundle the one that serves.

    Raises:
        BundleError: it cannot serve; the old one stays.
    """
    activation.activate(home, version, encoder)
    _record(database, actor, Act.MODEL_ACTIVATED, version)


def roll_back(database: Database, home: Path, encoder: str, actor: str) -> str:
    """Go back to the bundle that served before; returns its version.

    Raises:
        BundleError: there is none, or it cannot serve; the active one stays.
    """
    version = activation.roll_back(home, encoder)
    _record(database, actor, Act.MODEL_ROLLED_BACK, version)
    return version


def _record(database: Database, actor: str, act: Act, version: str) -> None:
    with database.write() as connection:
        audit.record(connection, AuditRow.now(actor, act, version))
