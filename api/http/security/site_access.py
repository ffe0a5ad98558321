"""Access of pages to collection. Site key and reader token are in the body, so that beacons can send them."""

import ipaddress
import json
from typing import Any, TypeVar

from fastapi import APIRouter, Request

from api.application.scopes import Scope
from api.http.json_body import validated
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.auth import OWN, check_token, checked_route, count, is_exposed, require_rate, token_reader
from api.http.security.keyring import KeyRing
from api.http.security.page_keys import warn_of_page
from api.http.site_schemas import SiteBody
from recsys.store.api_keys import KeyRow

MOST_BYTES = 64 * 1_024
"""Bytes of a body: what browsers send as a beacon."""

_ERASE_COST = 199
"""Requests that an erasure counts as, beside its own, because it may rewrite the database file."""

_NETWORK_CHARS = len("2001:0db8:0000:0000")

T = TypeVar("T", bound=SiteBody)

_NO_KEY = "give a valid 'site_key': `attune keys create --scope site --origin https://…` creates one"
_NO_SITE_KEY = "pages send a key of scope site, which allows nothing else"


def site_router(prefix: str, tag: str) -> APIRouter:
    """Return a router whose routes need a site key in the body."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=checked_route(_authorize),
        responses=problems(401, 403, 413, 422, 429, 503),
    )


def site_body(request: Request, model: type[T]) -> T:
    """Return the body of an admitted request.

    Raises:
        RequestValidationError: it does not fit `model`.
    """
    return validated(request.state.body, model)


async def _authorize(request: Request) -> None:
    """Check the address, the key, the origin and the token of a request, in this order.

    Raises:
        HTTPProblem: 401 without a valid key, or with an invalid token; 403 with another key, or from another
            origin; 413 above `MOST_BYTES`; 422 without a JSON object; 429 after too many requests.
        StoreError: keys cannot be read.
    """
    state = request.app.state
    require_rate(state.collect.addresses.wait(client_network(request)))
    body = _json_object(await _content(request))
    ring: KeyRing = state.keys
    keys = await ring.current()
    if not keys.open or is_exposed(request):
        given = body.get("site_key")
        key = keys.owner(given) if isinstance(given, str) else None
        _check_key(request, key)
        assert key is not None, "it was checked"
        ring.note_use(key.id)
        request.state.key = key.id
        await count(state.rates, key.id)
    token = body.get("token")
    if token is not None:
        request.state.reader = check_token(request, token if isinstance(token, str) else "")
        request.state.key = getattr(request.state, "key", OWN)
    request.state.body = body


async def charge_erasure(request: Request) -> None:
    """Count an erasure for the address of the request.

    Raises:
        HTTPProblem: 429, there were too many.
    """
    require_rate(request.app.state.collect.addresses.wait(client_network(request), _ERASE_COST))


async def charge_own_erasure(request: Request) -> None:
    """Count an erasure with a reader token, as `charge_erasure` does; one with a key costs nothing."""
    if token_reader(request) is not None:
        await charge_erasure(request)


def client_network(request: Request) -> str:
    """Return the client's address; of IPv6 only the half that names its network: a home has 2^64 addresses."""
    host = "" if request.client is None else request.client.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket, or the name of a test client
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or address.exploded[:_NETWORK_CHARS])


def _check_key(request: Request, key: KeyRow | None) -> None:
    if key is None:
        raise HTTPProblem(401, "A site key is needed", _NO_KEY, {"WWW-Authenticate": 'Bearer realm="attune"'})
    if key.scope != Scope.SITE:
        warn_of_page(request, key)
        raise HTTPProblem(403, "The key is no site key", _NO_SITE_KEY)
    origin = request.headers.get("origin")
    if origin not in key.origins:
        detail = f"this site key belongs to {', '.join(key.origins)}: create one with the --origin of this page"
        raise HTTPProblem(403, "The key belongs to other origins", detail)


async def _content(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            detail = f"events of a page may have at most {MOST_BYTES} bytes: send them in several requests"
            # the remaining body is not read, so the connection cannot be used again
            raise HTTPProblem(413, "The body is too large", detail, {"Connection": "close"})
    return bytes(content)


def _json_object(content: bytes) -> dict[str, Any]:
    """Return the object in a body, whatever type the body declares: beacons declare text/plain."""
    try:
        given = json.loads(content or b"{}")
    except (ValueError, RecursionError) as error:
        raise HTTPProblem(422, "The request is not valid", f"body: not JSON: {error}") from error
    if not isinstance(given, dict):
        raise HTTPProblem(422, "The request is not valid", "body: send an object with site_key and events")
    return given
