"""Authorization: every secured route names the scope of the key that it needs."""

import ipaddress
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer

import api.http.path_converters  # noqa: F401 - routes of secured routers may use {name:id}
from api.application.scopes import Scope
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.keyring import KeyRing, Ring
from api.http.security.rate_limit import RateLimiter
from recsys.store.api_keys import KeyRow

_NO_KEY = "send a valid key: 'Authorization: Bearer att_…' or 'X-API-Key: att_…'; `attune keys create` creates one"
_CREATED = "A key that `attune keys create` created."
BEARER = HTTPBearer(auto_error=False, description=_CREATED)
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, description=_CREATED)
"""The same keys, in the header of Gorse's clients."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def secured_router(
    prefix: str, tag: str, needed: Scope, described: HTTPBearer | APIKeyHeader = BEARER
) -> APIRouter:
    """Return a router whose routes need a key of scope `needed`, described in the API as `described`."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=_route_class(needed),
        dependencies=[Security(described, scopes=[needed])],
        responses=problems(401, 403, 413, 422, 429, 503),
    )


async def authorize(request: Request, needed: Scope) -> None:
    """Check the key of a request.

    Raises:
        HTTPProblem: 401 without a valid key, 403 with a key of another scope, 429 after too many requests.
        StoreError: keys cannot be read.
    """
    ring: KeyRing = request.app.state.keys
    keys = await ring.current()
    if keys.open and not _exposed(request):
        return
    key = _owner(keys, request)
    if not Scope(key.scope).allows(needed):
        raise HTTPProblem(
            403,
            "The key has another scope",
            f"this needs a key of scope {' or '.join(needed.allowing())}; this key has scope {key.scope}",
            {"WWW-Authenticate": f'Bearer realm="attune", error="insufficient_scope", scope="{needed}"'},
        )
    ring.note_use(key.id)
    request.state.key = key.id
    await _count(request.app.state.rates, key.id)


def actor(request: Request) -> str:
    """Return the actor for the audit log: the id of the key, or 'open' before the first key."""
    return getattr(request.state, "key", "open")


def _route_class(needed: Scope) -> type[APIRoute]:
    class Secured(APIRoute):
        """Route that checks the key before it reads the body: requests without a key cost no parsing."""

        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                await authorize(request, needed)
                return await answer(request)

            return handle

    return Secured


def _owner(keys: Ring, request: Request) -> KeyRow:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key")
    row = keys.owner(given)
    if row is None:
        # the same answer for unknown, wrong and revoked keys
        error = ', error="invalid_token"' if given else ""
        raise HTTPProblem(401, "A key is needed", _NO_KEY, {"WWW-Authenticate": f'Bearer realm="attune"{error}'})
    return row


async def _count(rates: RateLimiter, key: str) -> None:
    seconds = await rates.wait(key)
    if seconds is not None:
        detail = f"this key sent too many requests; try again in {seconds} s"
        raise HTTPProblem(429, "Too many requests", detail, {"Retry-After": str(seconds)})


def _exposed(request: Request) -> bool:
    """Return True if the connection came in on an address that other machines can reach.

    `attune serve` refuses to listen there before the first key; another ASGI server might not.
    """
    host = (request.scope.get("server") or (None,))[0]
    try:
        return host is not None and not ipaddress.ip_address(host).is_loopback
    except ValueError:  # the path of a socket, or the host name of a test client
        return False
