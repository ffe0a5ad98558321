"""Authorization: every secured route names the scope of the key that it needs, and may accept reader tokens.

A reader token allows only routes that opt in (`own_reader`), and there only what is about the reader of the token.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer

import api.http.path_converters  # noqa: F401 - routes of secured routers may use {name:id}
from api.application.reader_tokens import ReaderTokens, looks_like_token
from api.application.scopes import Scope
from api.http.lean_route import lean_handler
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.keyring import KeyRing, Ring
from api.http.security.page_keys import warn_of_page
from api.http.security.rate_limit import RateLimiter
from ingest.field_values import trimmed
from recsys.store.api_keys import KeyRow

_NO_KEY = "send a valid key: 'Authorization: Bearer att_…' or 'X-API-Key: att_…'; `attune keys create` creates one"
_MINT_ANOTHER = "the token is wrong or has expired: mint a new one with POST /v1/reader-tokens"
_ONLY_OWN = "a reader token allows only the feed, preferences, attention, export and erasure of its own reader"
_CREATED = "A key that `attune keys create` created."
BEARER = HTTPBearer(auto_error=False, description=_CREATED)
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, description=_CREATED)
"""The same keys, in the header of Gorse's clients."""

OWN = "reader"
"""Actor of the audit log, and key of the request log, of requests with a reader token: neither names a reader."""

Check = Callable[[Request], Awaitable[None]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def secured_router(
    prefix: str,
    tag: str,
    needed: Scope,
    described: HTTPBearer | APIKeyHeader = BEARER,
    *,
    own_reader: bool = False,
) -> APIRouter:
    """Return a router whose routes need a key of scope `needed`, described in the API as `described`.

    With `own_reader` they also answer to a reader token, if all readers that the path and the query name are the
    reader of the token. Such a route must not take a reader from its body.
    """

    async def check(request: Request) -> None:
        await authorize(request, needed, own_reader=own_reader)

    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=checked_route(check),
        dependencies=[Security(described, scopes=[needed])],
        responses=problems(401, 403, 413, 422, 429, 503),
    )


async def authorize(request: Request, needed: Scope, *, own_reader: bool = False) -> None:
    """Check the key or the reader token of a request.

    Raises:
        HTTPProblem: 401 without a valid key or token, 403 with one that does not allow this, 429 after too many
            requests.
        StoreError: keys cannot be read.
    """
    given = _given(request)
    if given is not None and looks_like_token(given):
        await _authorize_reader(request, given, own_reader)
        return
    ring: KeyRing = request.app.state.keys
    keys = await ring.current()
    if keys.open and not is_exposed(request):
        return
    key = _owner(keys, given)
    if not Scope(key.scope).allows(needed):
        raise HTTPProblem(
            403,
            "The key has another scope",
            f"this needs a key of scope {' or '.join(needed.allowing())}; this key has scope {key.scope}",
            {"WWW-Authenticate": f'Bearer realm="attune", error="insufficient_scope", scope="{needed}"'},
        )
    ring.note_use(key.id)
    request.state.key = key.id
    warn_of_page(request, key)
    await count(request.app.state.rates, key.id)


def actor(request: Request) -> str:
    """Return the actor for the audit log: the id of the key, `OWN`, or 'open' before the first key."""
    return getattr(request.state, "key", "open")


def token_reader(request: Request) -> str | None:
    """Return the reader of the request's token, as the publisher knows it; None for a request with a key."""
    return getattr(request.state, "reader", None)


def free_only(request: Request) -> bool:
    """Return True if the request has a token of a reader who may open free articles only."""
    return getattr(request.state, "access", "all") == "free"


def check_token(request: Request, token: str) -> str:
    """Return the reader of a token, and remember which articles this reader may open.

    Raises:
        HTTPProblem: 401, the token is not valid.
    """
    tokens: ReaderTokens = request.app.state.tokens
    reader = tokens.reader_of(token)
    if reader is None:
        headers = {"WWW-Authenticate": 'Bearer realm="attune", error="invalid_token"'}
        raise HTTPProblem(401, "The reader token is not valid", _MINT_ANOTHER, headers)
    request.state.access = reader.access
    return reader.id


def checked_route(check: Check) -> type[APIRoute]:
    """Return the class of routes that `check` admits."""

    class Secured(APIRoute):
        """Route that checks the key before it reads the body: requests without a key cost no parsing."""

        def get_route_handler(self) -> Handler:
            answer = lean_handler(self) or super().get_route_handler()

            async def handle(request: Request) -> Response:
                await check(request)
                return await answer(request)

            return handle

    return Secured


async def _authorize_reader(request: Request, token: str, own_reader: bool) -> None:
    """Accept a reader token. This is the only place that decides what a reader may do."""
    reader = check_token(request, token)
    if not own_reader:
        raise HTTPProblem(403, "A reader token does not allow this", _ONLY_OWN)
    path = request.path_params.get("reader")
    named = [*request.query_params.getlist("reader"), *(() if path is None else (path,))]
    if any(trimmed(each) != reader for each in named):
        raise HTTPProblem(403, "The token is of another reader", _ONLY_OWN)
    request.state.reader, request.state.key = reader, OWN
    require_rate(request.app.state.reader_rates.wait(reader))


def _given(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key")


def _owner(keys: Ring, given: str | None) -> KeyRow:
    row = keys.owner(given)
    if row is None:
        # the same answer for unknown, wrong and revoked keys
        error = ', error="invalid_token"' if given else ""
        raise HTTPProblem(401, "A key is needed", _NO_KEY, {"WWW-Authenticate": f'Bearer realm="attune"{error}'})
    return row


async def count(rates: RateLimiter, key: str) -> None:
    """Count a request of a key.

    Raises:
        HTTPProblem: 429, there were too many.
    """
    require_rate(await rates.wait(key))


def require_rate(seconds: int | None) -> None:
    """Refuse a request that has to wait for `seconds`.

    Raises:
        HTTPProblem: 429, there were too many.
    """
    if seconds is not None:
        detail = f"this key, reader or address sent too many requests; try again in {seconds} s"
        raise HTTPProblem(429, "Too many requests", detail, {"Retry-After": str(seconds)})


def is_exposed(request: Request) -> bool:
    """Return True if the connection came in on an address that other machines can reach.

    `attune serve` refuses to listen there before the first key; another ASGI server might not.
    """
    host = (request.scope.get("server") or (None,))[0]
    try:
        return host is not None and not ipaddress.ip_address(host).is_loopback
    except ValueError:  # the path of a socket, or the host name of a test client
        return False
