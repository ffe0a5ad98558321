"""GET /healthz and GET /readyz."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.http.dependencies import Service
from api.http.openapi import problems
from api.http.problems import problem
from recsys.serving.feed_service import FeedService

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None, responses=problems(503))
def readyz(service: Service) -> dict[str, str] | JSONResponse:
    """The service answers, and has all articles of its first start.

    `degraded`: its database is away. `impaired`: it answers as it did, but takes in no new articles or bundle; its
    log says why. Neither takes it out of a balancer: what ails one process ails its neighbours as well.
    """
    if not service.ready.is_set():
        return problem(503, "Not ready", waiting(service))
    status = "degraded" if service.degraded else "impaired" if service.failure is not None else "ready"
    return {"status": status, "model": service.engine.models.version}


def waiting(service: FeedService) -> str:
    """Why a service is not ready. Nobody needs a key to ask, so the cause of a failure is for the log alone."""
    if service.failure is not None:
        return "articles cannot be encoded yet, and the service's log says why; feeds are served meanwhile"
    return "articles are being encoded; feeds are served meanwhile"
