"""/api/health: for load balancers; no key is needed."""

from fastapi import APIRouter, Response

from api.gorse.gorse_schemas import Health
from api.http.dependencies import Service
from api.http.routes.health_routes import waiting

router = APIRouter(prefix="/api/health", tags=["gorse: health"])


@router.get("/live")
def live(service: Service) -> Health:
    """The process runs."""
    return _health(service)


@router.get("/ready", responses={503: {"model": Health, "description": "It is not ready; the body says why."}})
def ready(service: Service, response: Response) -> Health:
    """The service answers, and all items of its first start are searchable."""
    found = _health(service)
    response.status_code = 200 if found.Ready else 503
    return found


def _health(service: Service) -> Health:
    ready, connected = service.ready.is_set(), not service.degraded
    return Health(
        Ready=ready,
        DataStoreConnected=connected,
        CacheStoreConnected=connected,
        DataStoreError=None if ready else waiting(service),
        CacheStoreError=None,
    )
