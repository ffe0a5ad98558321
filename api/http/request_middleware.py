"""Around every request: its id, one line in the log, safe headers, and no exception let through."""

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.logging_setup import FIELDS, REQUEST_ID
from api.http.problems import problem

logger = logging.getLogger(__name__)

ID_HEADER = "X-Request-ID"

DEGRADED_HEADER = "X-Attune-Degraded"
"""On every answer while the database is away."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # answers are personal; a route that knows better says so itself
}
_NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'"
_PAGE = "frame-ancestors 'none'"


class RequestLogMiddleware:
    """Middleware: the outermost one, so that it sees every answer, also those to what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        token = REQUEST_ID.set(_request_id(scope))
        try:
            await _Request(scope, send).answer(self._app, receive)
        finally:
            REQUEST_ID.reset(token)


class _Request:
    """One request on its way through."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send_on = send
        self._began = time.perf_counter()
        self._status: int | None = None

    async def answer(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self._send)
        except Exception:
            logger.exception("an error that nobody foresaw")
            if self._status is not None:
                raise  # half an answer is out: only closing the connection tells the caller
            told = problem(500, "Attune failed", "an error that nobody foresaw; the server's log has it")
            await told(self._scope, receive, self._send)
        finally:
            facts = self._told()
            logger.info("request", extra={FIELDS: facts})
            self._measure(facts)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            _add_headers(headers)
            application = self._of_app("application")
            if application is not None and application.feed.degraded:
                headers[DEGRADED_HEADER] = "true"
        await self._send_on(message)

    def _measure(self, facts: dict[str, Any]) -> None:
        latency = self._of_app("latency")
        if latency is None:
            return
        # callers make up paths and methods: what no route answers is one series
        labels = (facts["method"], facts["route"]) if facts["route"] else ("none", "none")
        latency.labels(*labels, str(facts["status"])).observe(facts["ms"] / 1_000)

    def _of_app(self, name: str) -> Any:
        """What the application keeps; None before the service has started."""
        return getattr(getattr(self._scope.get("app"), "state", None), name, None)

    def _told(self) -> dict[str, Any]:
        """What the log tells. No path, query or body: they name readers. The route's template does not."""
        return {
            "method": self._scope["method"],
            "route": getattr(self._scope.get("route"), "path_format", None),
            "status": self._status,
            "ms": round((time.perf_counter() - self._began) * 1_000, 2),
            "key": self._scope["state"].get("key"),
        }


def _request_id(scope: Scope) -> str:
    """The caller's, if it is one that may stand in a log line; else a new one."""
    given = Headers(scope=scope).get(ID_HEADER, "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _add_headers(headers: MutableHeaders) -> None:
    headers[ID_HEADER] = REQUEST_ID.get() or ""
    for name, value in _SAFE.items():
        headers.setdefault(name, value)
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", _PAGE if is_page else _NOTHING_LOADS)
