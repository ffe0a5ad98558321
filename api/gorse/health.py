"""/api/health: for load balancers; no key is needed."""

from fastapi import APIRouter, Response

from api.dependencies import Service
from api.gorse.schemas import Health

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
    failure = service.failure
    waiting = None if service.ready.is_set() else "articles are being encoded"
    connected = failure is None
    return Health(
        Ready=failure is None and waiting is None,
        DataStoreConnected=connected,
        CacheStoreConnected=connected,
        DataStoreError=failure or waiting,
        CacheStoreError=None,
    )
