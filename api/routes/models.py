"""/v1/models: the trained bundles, and which one serves."""

from fastapi import Request

from api import administration
from api.dependencies import Service
from api.errors import Refusal
from api.model_schemas import ActivatedOut, ModelOut, ModelsOut
from api.openapi import problems
from api.security.gate import actor, gated
from api.security.scopes import Scope
from api.times import to_iso
from recsys import bundle
from recsys.feed.activation import Model, models

router = gated("/v1/models", "models", Scope.ADMIN)


@router.get("")
def listed(service: Service) -> ModelsOut:
    """All bundles, the newest first. `serving` is what this process answers with; 'starting' before any."""
    found = [_out(model) for model in models(service.home, service.encoder)]
    return ModelsOut(serving=service.engine.model, models=found)


@router.post("/rollback", responses=problems(409))
def roll_back(request: Request, service: Service) -> ActivatedOut:
    """Go back to the bundle that served before the active one."""
    version = administration.roll_back(service.database, service.home, service.encoder, actor(request))
    service.adopt_bundle()
    return ActivatedOut(version=version)


@router.post("/{version}/activate", responses=problems(404, 409))
def activate(request: Request, service: Service, version: str) -> ActivatedOut:
    """Serve with a bundle from the next answer on, elsewhere within a second. A bad one changes nothing."""
    if version not in bundle.versions(service.home):
        raise Refusal(404, "There is no such model", "GET /v1/models tells which there are")
    administration.activate(service.database, service.home, version, service.encoder, actor(request))
    service.adopt_bundle()
    return ActivatedOut(version=version)


def _out(model: Model) -> ModelOut:
    until = None if model.trained_until is None else to_iso(model.trained_until)
    return ModelOut(
        version=model.version,
        active=model.active,
        trained_until=until,
        validation=dict(model.validation),
        problem=model.problem,
    )
