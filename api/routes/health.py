"""GET /healthz and GET /readyz."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.dependencies import Service
from api.errors import problem
from api.openapi import problems

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None, responses=problems(503))
def readyz(service: Service) -> dict[str, str] | JSONResponse:
    """The service answers, and has all articles of its first start; `degraded`: its database is away."""
    if service.failure is not None:
        return problem(503, "Not ready", service.failure)
    if not service.ready.is_set():
        return problem(503, "Not ready", "articles are being encoded; feeds are served meanwhile")
    return {"status": "degraded" if service.degraded else "ready", "model": service.engine.model}
