"""Use-cases of administrators: active bundle, experiments, old bundles. All are recorded in the audit log."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from api.application.context import Application
from recsys.errors import BundleError
from recsys.labels.label_rule import LabelRule
from recsys.models import bundle
from recsys.serving import experiment, model_activation
from recsys.serving.experiment import Experiment
from recsys.serving.model_activation import Model
from recsys.store import audit_log, experiments, webhook_outbox
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import without_timeout


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A published bundle. previous: a rollback activates it. manifest: None if its files are damaged: problem."""

    version: str
    active: bool
    previous: bool
    manifest: Mapping[str, Any] | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Arm:
    """Outcomes of the slates of a model: means by slate.

    opened: share of slates with an opened article; clicks: articles opened; minutes: of reading.
    """

    model: str
    slates: int
    readers: int
    opened: float
    clicks: float
    minutes: float


def list_models(app: Application) -> list[Model]:
    """List all bundles, newest first."""
    return model_activation.models(app.settings.home, app.encoder.name)


def versions(app: Application) -> list[str]:
    """Return the versions of all published bundles, newest first."""
    return bundle.versions(app.settings.home)[::-1]


def read_manifest(app: Application, version: str) -> Mapping[str, Any]:
    """Return the manifest of a bundle after checking its files.

    Raises:
        BundleError: there is no such bundle, or it is damaged.
    """
    return bundle.load(app.settings.home, version).manifest


def summarise_models(app: Application, most: int) -> list[ModelSummary]:
    """Return the `most` newest bundles; their trees are not loaded, so this is quicker than `list_models`."""
    home = app.settings.home
    active, before = bundle.active_version(home), bundle.previous_version(home)
    found = []
    for version in versions(app)[:most]:
        manifest, problem = None, None
        try:
            manifest = bundle.load(home, version).manifest
        except BundleError as error:
            problem = str(error)
        found.append(ModelSummary(version, version == active, version == before, manifest, problem))
    return found


def experiment_arms(app: Application, since: int) -> list[Arm]:
    """Return the outcomes of each model's slates shown since `since` (microseconds), by version.

    `attune models compare` adds intervals and the shadow run.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection, without_timeout(connection):
        outcomes = experiments.outcomes(connection, since, LabelRule().longest)
    arms = outcomes.group_by("model").agg(
        pl.len().alias("slates"),
        pl.col("reader").n_unique().alias("readers"),
        (pl.col("clicks") > 0).mean().alias("opened"),
        pl.col("clicks").mean(),
        (pl.col("seconds").mean() / 60).alias("minutes"),
    )
    return [Arm(**row) for row in arms.sort("model").iter_rows(named=True)]


def model_exists(app: Application, version: str) -> bool:
    """Return True if a bundle of that version is published."""
    return version in bundle.versions(app.settings.home)


def activate_model(app: Application, version: str, actor: str) -> None:
    """Activate a bundle; it serves from the next answer on.

    Raises:
        BundleError: the bundle cannot serve; the former one stays active.
    """
    model_activation.activate(app.settings.home, version, app.encoder.name)
    _record_activation(app, actor, AuditAction.MODEL_ACTIVATED, version)
    _adopt_bundle(app)


def roll_back(app: Application, actor: str) -> str:
    """Activate the bundle that was active before; return its version.

    Raises:
        BundleError: there is none, or it cannot serve; nothing changes.
    """
    version = model_activation.roll_back(app.settings.home, app.encoder.name)
    _record_activation(app, actor, AuditAction.MODEL_ROLLED_BACK, version)
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
    shares = {name: value for name, value in asdict(chosen).items() if name != "version"}
    subject = " ".join([chosen.version, *(f"{name}={value:g}" for name, value in shares.items())])
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


def _record_activation(app: Application, actor: str, action: AuditAction, version: str) -> None:
    with app.database.write() as connection:
        webhook_outbox.record_activation(connection, AuditRow.now(actor, action, version))


def _record(app: Application, actor: str, action: AuditAction, version: str) -> None:
    with app.database.write() as connection:
        audit_log.record(connection, AuditRow.now(actor, action, version))


def _adopt_bundle(app: Application) -> None:
    if app.service is not None:
        app.service.live.adopt_bundle()


def _adopt_challenger(app: Application) -> None:
    if app.service is not None:
        app.service.live.adopt_challenger()
