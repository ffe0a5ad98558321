"""Requests about readers of other shards: sent on to the shard that has their state, at most once.

Routes know nothing of this. The feed service raises `ForeignReaderError` before it looks at a reader of another
shard, and the handler here sends the whole request on. So a proxy that finds the shard itself saves a hop, but a
request that arrives elsewhere is answered, too. A route must not write before it looks at the reader.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter

from api.http.logging_setup import REQUEST_ID
from api.http.problems import HTTPProblem, problem
from recsys.errors import ConfigError, ForeignReaderError
from recsys.settings import Settings
from recsys.state.shard import WHOLE, Shard

logger = logging.getLogger(__name__)

FORWARDED_HEADER = "X-Attune-Forwarded"
"""Shard that sent a request on: in the request, so that it goes no further, and in the answer, as a mark."""

_PAUSE = 0.2
"""Seconds between two attempts to reach a shard that starts again."""

_MOST_WAITING = 500
"""Requests that wait at once: the others are refused, so that a dead shard does not fill the memory."""

_TIMEOUT = httpx.Timeout(30.0, connect=2.0)
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=4.0)
"""uvicorn closes idle connections after 5 s; a request on one that closes would fail."""

_FORWARDED = FORWARDED_HEADER.lower().encode()
_OF_CONNECTION = {
    b"connection",
    b"content-length",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_NOT_SENT = {*_OF_CONNECTION, b"accept-encoding", b"expect", b"x-request-id", _FORWARDED}
_LATER = {"Retry-After": "1"}

ANSWERED, UNREACHABLE, REFUSED = "answered", "unreachable", "refused"


def peer_addresses(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of all shards in their order; none if requests are not sent on.

    Raises:
        ConfigError: the shard is not valid, there is not one address for each shard, or one is no HTTP address.
    """
    shard = Shard.parse(settings.shard)
    addresses = tuple(part.strip().rstrip("/") for part in settings.shard_peers.split(",") if part.strip())
    if addresses and len(addresses) != shard.count:
        raise ConfigError(
            f"ATTUNE_SHARD_PEERS has {len(addresses)} addresses, but shard {shard} needs {shard.count}: "
            "name all shards in their order, this one too"
        )
    for address in addresses:
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"ATTUNE_SHARD_PEERS: {address!r} is no address; write it like http://attune-1:8000")
    return addresses


class ShardPeers:
    """All shards of the service, and the requests sent on to them."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._shard = Shard.parse(settings.shard)
        self._addresses = tuple(httpx.URL(address) for address in peer_addresses(settings))
        self._patience = settings.shard_patience
        self._waiting = 0
        self._client: httpx.AsyncClient | None = None
        self._requests = Counter(
            "attune_forwarded_requests",
            "Requests about readers of other shards, by outcome.",
            ["outcome"],
            registry=registry,
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections to the other shards open."""
        if self._shard == WHOLE:
            yield
            return
        async with httpx.AsyncClient(timeout=_TIMEOUT, limits=_LIMITS, trust_env=False) as self._client:
            yield

    async def forward(self, request: Request, error: ForeignReaderError) -> Response:
        """Return the answer of the shard `error.holder` to `request`.

        Raises:
            HTTPProblem: 503, requests are not sent on, this one was already, or the shard cannot be reached.
        """
        client = self._client_for(request, error)
        sent = client.build_request(
            request.method,
            _url(self._addresses[error.holder], request),
            headers=self._headers(request),
            content=await _body(request),
        )
        answer = await self._answer(client, sent)
        if answer is None:
            self._requests.labels(UNREACHABLE).inc()
            raise HTTPProblem(
                503,
                "A shard cannot be reached",
                f"shard {error.holder}/{self._shard.count} has this reader and does not answer: start it, or "
                "correct its address in ATTUNE_SHARD_PEERS; then send the request again",
                _LATER,
            )
        self._requests.labels(ANSWERED).inc()
        result = Response(answer.content, answer.status_code)
        result.raw_headers = [
            *((name.lower(), value) for name, value in answer.headers.raw if _is_kept(name.lower())),
            (b"content-length", str(len(answer.content)).encode()),
            (_FORWARDED, str(self._shard).encode()),
        ]
        return result

    def _client_for(self, request: Request, error: ForeignReaderError) -> httpx.AsyncClient:
        """Return the client that sends a request on.

        Raises:
            HTTPProblem: 503, requests are not sent on, or this one was already.
        """
        if FORWARDED_HEADER not in request.headers and self._addresses and self._client is not None:
            return self._client
        self._requests.labels(REFUSED).inc()
        if FORWARDED_HEADER not in request.headers:
            raise HTTPProblem(503, "Another shard has this reader", str(error), _LATER)
        raise HTTPProblem(
            503,
            "The shards do not agree",
            f"{error}; this request was already sent on by shard {_sender(request)}: give all shards the same "
            "number of shards, and the same ATTUNE_SHARD_PEERS",
        )

    async def _answer(self, client: httpx.AsyncClient, sent: httpx.Request) -> httpx.Response | None:
        """Send a request; wait for a shard that refuses connections, because it starts again."""
        if self._waiting >= _MOST_WAITING:
            return None
        deadline = time.monotonic() + self._patience
        self._waiting += 1
        try:
            while True:
                try:
                    return await client.send(sent)
                except httpx.TransportError as error:
                    # a shard that stops may close a connection in use; a slate that is logged twice does no harm
                    is_late = isinstance(error, httpx.TimeoutException) and not isinstance(
                        error, httpx.ConnectTimeout
                    )
                    if is_late or time.monotonic() >= deadline:
                        logger.warning("another shard does not answer: %s", type(error).__name__)
                        return None
                await asyncio.sleep(_PAUSE)
        finally:
            self._waiting -= 1

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        # bytes, because a value may be no ASCII
        given = [(name, value) for name, value in request.headers.raw if name not in _NOT_SENT]
        own = {
            b"accept-encoding": "identity",
            b"x-request-id": REQUEST_ID.get() or "",
            _FORWARDED: str(self._shard),
        }
        return [*given, *((name, value.encode()) for name, value in own.items())]


def install(app: FastAPI) -> None:
    """Send requests about readers of other shards on."""
    app.add_exception_handler(ForeignReaderError, _forwarded)


async def _forwarded(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForeignReaderError)
    peers: ShardPeers = request.app.state.peers
    try:
        return await peers.forward(request, error)
    except HTTPProblem as refusal:
        return problem(refusal.status_code, refusal.title, str(refusal.detail), refusal.headers)


def _url(address: httpx.URL, request: Request) -> httpx.URL:
    # the path as it was sent: two ids may be one text once they are decoded
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return address.copy_with(raw_path=address.raw_path.rstrip(b"/") + path + (b"?" + query if query else b""))


async def _body(request: Request) -> bytes:
    """Return the body, also if the console has read it as a form."""
    read: bytes | None = getattr(request.state, "form_bytes", None)
    return await request.body() if read is None else read


def _is_kept(name: bytes) -> bool:
    """Return True for a header of an answer that is about the answer, not about its connection or its origin."""
    return name not in _OF_CONNECTION and name != b"date" and not name.startswith(b"access-control-")


def _sender(request: Request) -> str:
    """Return the shard that sent a request on; a client may have written anything."""
    try:
        return str(Shard.parse(request.headers[FORWARDED_HEADER]))
    except ConfigError:
        return "unknown"
