"""/v1/models: trained bundles, the active bundle, and the experiment."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Request

from api.application import model_admin
from api.application.iso_time import to_iso
from api.application.scopes import Scope
from api.http.dependencies import App
from api.http.model_schemas import ModelOut, ModelsOut, Trial, VersionOut
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.auth import actor, secured_router
from recsys.serving.experiment import Experiment
from recsys.serving.model_activation import Model

_Version = Annotated[
    str,
    Path(description="Version of a bundle.", examples=["20240105T080000000000Z"]),
]

router = secured_router("/v1/models", "models", Scope.ADMIN)


@router.get("")
def listed(app: App) -> ModelsOut:
    """List all bundles, newest first. `serving`: version that this process serves; 'starting' before training."""
    running = model_admin.current_experiment(app)
    return ModelsOut(
        serving=app.feed.engine.models.version,
        models=[_out(model) for model in model_admin.list_models(app)],
        trial=None if running is None else Trial(**asdict(running)),
    )


@router.post("/rollback", responses=problems(409))
def roll_back(request: Request, app: App) -> VersionOut:
    """Activate the bundle that was active before the current one."""
    return VersionOut(version=model_admin.roll_back(app, actor(request)))


@router.put("/trial", responses=problems(404, 409))
def start_experiment(request: Request, app: App, body: Trial) -> Trial:
    """Start an experiment with a challenger: an A/B test by readers, interleaving, a shadow run, or several."""
    _require(app, body.version)
    model_admin.start_experiment(app, Experiment(**body.model_dump()), actor(request))
    return body


@router.delete("/trial", responses=problems(409))
def end_experiment(request: Request, app: App) -> VersionOut:
    """End the experiment. Its slates stay in the log: `attune models compare` prints their outcome."""
    return VersionOut(version=model_admin.end_experiment(app, actor(request)))


@router.post("/{version}/activate", responses=problems(404, 409))
def activate(request: Request, app: App, version: _Version) -> VersionOut:
    """Activate a bundle: at once in this process, within a second in others. A damaged bundle changes nothing."""
    _require(app, version)
    model_admin.activate_model(app, version, actor(request))
    return VersionOut(version=version)


def _require(app: App, version: str) -> None:
    if not model_admin.model_exists(app, version):
        raise HTTPProblem(404, "There is no such model", "GET /v1/models lists all models")


def _out(model: Model) -> ModelOut:
    until = None if model.trained_until is None else to_iso(model.trained_until)
    return ModelOut(
        version=model.version,
        active=model.active,
        trained_until=until,
        validation=dict(model.validation),
        problem=model.problem,
    )
