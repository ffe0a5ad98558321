"""Who is let in: every route behind a gate names the scope it needs."""

import ipaddress
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer

import api.http.path_converters  # noqa: F401 - routes of gated routers may say {name:id}
from api.application.scopes import Scope
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.keyring import KeyRing, Ring
from api.http.security.rate_limit import RateLimiter
from recsys.store.api_keys import KeyRow

_NO_KEY = (
    "send a key that holds: 'Authorization: Bearer att_…' or 'X-API-Key: att_…'; `attune keys create` makes one"
)
_MADE = "A key that `attune keys create` made."
BEARER = HTTPBearer(auto_error=False, description=_MADE)
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, description=_MADE)
"""The same keys, the way Gorse's clients send them."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def secured_router(
    prefix: str, tag: str, needed: Scope, described: HTTPBearer | APIKeyHeader = BEARER
) -> APIRouter:
    """A router whose routes need a key of scope `needed`, and say so in the API's description, as `described`."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=_route_class(needed),
        dependencies=[Security(described, scopes=[needed])],
        responses=problems(401, 403, 413, 422, 429, 503),
    )


async def authorize(request: Request, needed: Scope) -> None:
    """Let a request in, or refuse it.

    Raises:
        Refusal: 401 without a key that holds, 403 with one of another scope, 429 with one that asked too often.
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
            "The key's scope is another",
            f"this needs a key of scope {needed} or admin",
            {"WWW-Authenticate": f'Bearer realm="attune", error="insufficient_scope", scope="{needed}"'},
        )
    ring.note_use(key.id)
    request.state.key = key.id
    await _count(request.app.state.rates, key.id)


def actor(request: Request) -> str:
    """Who asks, for the audit: the id of a key, or 'open' before the first key."""
    return getattr(request.state, "key", "open")


def _route_class(needed: Scope) -> type[APIRoute]:
    class Gated(APIRoute):
        """A route that admits a request before it reads its body: strangers cost no parsing."""

        def get_route_handler(self) -> Handler:
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                await authorize(request, needed)
                return await inner(request)

            return handle

    return Gated


def _owner(keys: Ring, request: Request) -> KeyRow:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key")
    row = keys.owner(given)
    if row is None:
        # one answer, whether a key is unknown, wrong or revoked
        told = ', error="invalid_token"' if given else ""
        raise HTTPProblem(401, "A key is needed", _NO_KEY, {"WWW-Authenticate": f'Bearer realm="attune"{told}'})
    return row


async def _count(rates: RateLimiter, key: str) -> None:
    seconds = await rates.wait(key)
    if seconds is not None:
        detail = f"this key has asked too often; ask again in {seconds} s"
        raise HTTPProblem(429, "Too many requests", detail, {"Retry-After": str(seconds)})


def _exposed(request: Request) -> bool:
    """Whether the connection came in on an address that other machines reach.

    `attune serve` refuses such an address before the first key; another ASGI server might not.
    """
    host = (request.scope.get("server") or (None,))[0]
    try:
        return host is not None and not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a socket's path, or a name that a test made up
        return False
