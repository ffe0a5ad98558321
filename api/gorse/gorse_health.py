"""/api/health, for load balancers; it needs no key."""

from fastapi import APIRouter, Response

from api.gorse.gorse_schemas import Health
from api.http.dependencies import App
from api.http.routes.health_routes import waiting

router = APIRouter(prefix="/api/health", tags=["gorse: health"])


@router.get("/live")
def live(app: App) -> Health:
    """Answer 200 while the process runs."""
    return _health(app)


@router.get("/ready", responses={503: {"model": Health, "description": "Not ready; the body gives the reason."}})
def ready(app: App, response: Response) -> Health:
    """Answer 200 once the items of the first start are searchable."""
    found = _health(app)
    response.status_code = 200 if found.Ready else 503
    return found


def _health(app: App) -> Health:
    service = app.feed
    ready, connected = service.ready.is_set(), not service.degraded
    return Health(
        Ready=ready,
        DataStoreConnected=connected,
        CacheStoreConnected=connected,
        DataStoreError=None if ready else waiting(service),
        CacheStoreError=None,
    )
