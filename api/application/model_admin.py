"""Use-cases of administrators: active bundle, experiments, old bundles. All are recorded in the audit log."""

from api.application.context import Application
from recsys.errors import BundleError
from recsys.models import bundle
from recsys.serving import experiment, model_activation
from recsys.serving.experiment import Experiment
from recsys.serving.model_activation import Model
from recsys.store import audit_log
from recsys.store.audit_log import AuditAction, AuditRow


def list_models(app: Application) -> list[Model]:
    """List all bundles, newest first."""
    return model_activation.models(app.settings.home, app.encoder.name)


def model_exists(app: Application, version: str) -> bool:
    """Return True if a bundle of that version is published."""
    return version in bundle.versions(app.settings.home)


def activate_model(app: Application, version: str, actor: str) -> None:
    """Activate a bundle; it serves from the next answer on.

    Raises:
        BundleError: the bundle cannot serve; the former one stays active.
    """
    model_activation.activate(app.settings.home, version, app.encoder.name)
    _record(app, actor, AuditAction.MODEL_ACTIVATED, version)
    _adopt_bundle(app)


def roll_back(app: Application, actor: str) -> str:
    """Activate the bundle that was active before; return its version.

    Raises:
        BundleError: there is none, or it cannot serve; nothing changes.
    """
    version = model_activation.roll_back(app.settings.home, app.encoder.name)
    _record(app, actor, AuditAction.MODEL_ROLLED_BACK, version)
    _adopt_bundle(app)
    return version


def current_experiment(app: Application) -> Experiment | None:
    """Return the experiment that this process runs."""
    return app.feed.live.challenger.experiment


def start_experiment(app: Application, chosen: Experiment, actor: str) -> None:
    """Start an experiment with a challenger beside the active bundle.

    Raises:
        BundleError: the challenger cannot serve, or no other bundle is active; a running experiment goes on.
        RequestError: its shares are not valid.
    """
    experiment.start(app.settings.home, chosen, app.encoder.name)
    subject = f"{chosen.version} share={chosen.share:g} shadow={chosen.shadow:g}"
    _record(app, actor, AuditAction.EXPERIMENT_STARTED, subject)
    _adopt_challenger(app)


def end_experiment(app: Application, actor: str) -> str:
    """End the experiment; return the version of its challenger.

    Raises:
        BundleError: no experiment runs.
    """
    version = experiment.stop(app.settings.home)
    if version is None:
        raise BundleError("no experiment runs: `attune models try` starts one")
    _record(app, actor, AuditAction.EXPERIMENT_ENDED, version)
    _adopt_challenger(app)
    return version


def prune_models(app: Application, keep: int, actor: str) -> list[str]:
    """Delete bundles that are not needed, except the `keep` newest; return their versions, oldest first.

    Raises:
        BundleError: the file of the experiment cannot be read.
    """
    versions = model_activation.prunable_versions(app.settings.home, keep)
    for version in versions:
        bundle.remove(app.settings.home, version)
        _record(app, actor, AuditAction.MODEL_REMOVED, version)
    return versions


def _record(app: Application, actor: str, action: AuditAction, version: str) -> None:
    with app.database.write() as connection:
        audit_log.record(connection, AuditRow.now(actor, action, version))


def _adopt_bundle(app: Application) -> None:
    if app.service is not None:
        app.service.live.adopt_bundle()


def _adopt_challenger(app: Application) -> None:
    if app.service is not None:
        app.service.live.adopt_challenger()
