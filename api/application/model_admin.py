"""What administrators do to models, on record."""

from pathlib import Path

from recsys.errors import BundleError
from recsys.models import bundle
from recsys.serving import experiment, model_activation
from recsys.serving.experiment import Experiment
from recsys.store import audit_log
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database


def activate(database: Database, home: Path, version: str, encoder: str, actor: str) -> None:
    """Make a bundle the one that serves.

    Raises:
        BundleError: it cannot serve; the old one stays.
    """
    model_activation.activate(home, version, encoder)
    _record(database, actor, AuditAction.MODEL_ACTIVATED, version)


def roll_back(database: Database, home: Path, encoder: str, actor: str) -> str:
    """Go back to the bundle that served before; returns its version.

    Raises:
        BundleError: there is none, or it cannot serve; the active one stays.
    """
    version = model_activation.roll_back(home, encoder)
    _record(database, actor, AuditAction.MODEL_ROLLED_BACK, version)
    return version


def start_experiment(database: Database, home: Path, chosen: Experiment, encoder: str, actor: str) -> None:
    """Try a bundle beside the one that serves.

    Raises:
        BundleError: it cannot serve, or there is no other one that does; what was on trial stays.
        RequestError: its shares make no trial.
    """
    experiment.start(home, chosen, encoder)
    _record(
        database,
        actor,
        AuditAction.EXPERIMENT_STARTED,
        f"{chosen.version} share={chosen.share:g} shadow={chosen.shadow:g}",
    )


def end_experiment(database: Database, home: Path, actor: str) -> str:
    """Try nothing any more; returns the version that was on trial.

    Raises:
        BundleError: nothing was.
    """
    version = experiment.stop(home)
    if version is None:
        raise BundleError("no bundle is on trial")
    _record(database, actor, AuditAction.EXPERIMENT_ENDED, version)
    return version


def prune(database: Database, home: Path, keep: int, actor: str) -> list[str]:
    """Delete bundles that nothing needs but the `keep` newest; returns their versions, oldest first.

    Raises:
        BundleError: what is on trial cannot be read.
    """
    versions = model_activation.prunable_versions(home, keep)
    for version in versions:
        bundle.remove(home, version)
        _record(database, actor, AuditAction.MODEL_REMOVED, version)
    return versions


def _record(database: Database, actor: str, act: AuditAction, version: str) -> None:
    with database.write() as connection:
        audit_log.record(connection, AuditRow.now(actor, act, version))
