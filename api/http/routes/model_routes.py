"""/v1/models: the trained bundles, and which one serves."""

from dataclasses import asdict

from fastapi import Request

from api.application import model_admin
from api.http.dependencies import Service
from api.http.iso_time import to_iso
from api.http.model_schemas import ModelOut, ModelsOut, Trial, VersionOut
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.auth import actor, secured_router
from api.http.security.scopes import Scope
from recsys.models import bundle
from recsys.serving.experiment import Experiment
from recsys.serving.model_activation import Model, models

router = secured_router("/v1/models", "models", Scope.ADMIN)


@router.get("")
def listed(service: Service) -> ModelsOut:
    """All bundles, the newest first. `serving` is what this process answers with; 'starting' before any."""
    found = [_out(model) for model in models(service.home, service.encoder)]
    tried = service.challenger.experiment
    return ModelsOut(
        serving=service.engine.models.version,
        models=found,
        trial=None if tried is None else Trial(**asdict(tried)),
    )


@router.post("/rollback", responses=problems(409))
def roll_back(request: Request, service: Service) -> VersionOut:
    """Go back to the bundle that served before the active one."""
    version = model_admin.roll_back(service.database, service.home, service.encoder, actor(request))
    service.adopt_bundle()
    return VersionOut(version=version)


@router.put("/trial", responses=problems(404, 409))
def start_experiment(request: Request, service: Service, body: Trial) -> Trial:
    """Try a bundle beside the one that serves: an A/B test by readers, in the shadow, or both."""
    _require(service, body.version)
    chosen = Experiment(**body.model_dump())
    model_admin.start_experiment(service.database, service.home, chosen, service.encoder, actor(request))
    service.adopt_challenger()
    return body


@router.delete("/trial", responses=problems(409))
def end_experiment(request: Request, service: Service) -> VersionOut:
    """Try nothing any more. What its slates came to stays in the log: `attune models compare` tells."""
    version = model_admin.end_experiment(service.database, service.home, actor(request))
    service.adopt_challenger()
    return VersionOut(version=version)


@router.post("/{version}/activate", responses=problems(404, 409))
def activate(request: Request, service: Service, version: str) -> VersionOut:
    """Serve with a bundle from the next answer on, elsewhere within a second. A bad one changes nothing."""
    _require(service, version)
    model_admin.activate(service.database, service.home, version, service.encoder, actor(request))
    service.adopt_bundle()
    return VersionOut(version=version)


def _require(service: Service, version: str) -> None:
    if version not in bundle.versions(service.home):
        raise HTTPProblem(404, "There is no such model", "GET /v1/models tells which there are")


def _out(model: Model) -> ModelOut:
    until = None if model.trained_until is None else to_iso(model.trained_until)
    return ModelOut(
        version=model.version,
        active=model.active,
        trained_until=until,
        validation=dict(model.validation),
        problem=model.problem,
    )
