"""GET /metrics."""

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.application.scopes import Scope
from api.http.openapi import problems
from api.http.security.auth import authorize

router = APIRouter(tags=["health"], responses=problems(401, 403, 429, 503))


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Return metrics in Prometheus' text format; docs/monitoring.md describes them."""
    if not request.app.state.settings.metrics_open:
        await authorize(request, Scope.READ)
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)
