"""GET /healthz and GET /readyz."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.http.dependencies import App
from api.http.openapi import problems
from api.http.problems import problem
from recsys.serving.feed_service import FeedService
from recsys.state.shard import WHOLE

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None, responses=problems(503))
def readyz(app: App) -> dict[str, str] | JSONResponse:
    """Answer 200 once the articles of the first start are searchable.

    `degraded`: the database is unavailable. `impaired`: the service answers, but cannot load the log, new articles
    or the active bundle; its log has the cause. `stale`: the log is folded again. All keep status 200, so that a
    load balancer keeps the process: the other processes have the same problem.
    """
    service = app.feed
    if not service.ready.is_set():
        return problem(503, "Not ready", waiting(service))
    impaired = service.background_jobs.failure is not None
    states = {"degraded": service.degraded, "impaired": impaired, "stale": service.stale}
    status = next((name for name, holds in states.items() if holds), "ready")
    answer = {"status": status, "model": service.engine.models.version}
    return answer if service.shard == WHOLE else {**answer, "shard": str(service.shard)}


def waiting(service: FeedService) -> str:
    """Return the reason why a service is not ready. The route needs no key, so details are only in the log."""
    if service.background_jobs.failure is not None:
        return "articles cannot be encoded yet; the service's log has the cause; feeds are served meanwhile"
    return "articles are being encoded; feeds are served meanwhile"
