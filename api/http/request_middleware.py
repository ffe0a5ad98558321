"""Middleware around every request: request id, one log line, safe headers, and answers to unexpected errors."""

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.logging_setup import FIELDS, REQUEST_ID
from api.http.problems import problem
from api.http.shard_forwarding import FORWARDED_HEADER

logger = logging.getLogger(__name__)

ID_HEADER = "X-Request-ID"

DEGRADED_HEADER = "X-Attune-Degraded"
"""Header of every answer while the database is unavailable."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # answers are personal; routes may set another value
}
_NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'"
_PAGE = "frame-ancestors 'none'"


class RequestLogMiddleware:
    """Middleware around all others, so that it sees every answer, also to unexpected errors."""

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
    """One request in progress."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._forward = send
        self._started = time.perf_counter()
        self._status: int | None = None

    async def answer(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self._send)
        except Exception:
            logger.exception("unexpected error")
            if self._status is not None:
                raise  # the answer has begun: only closing the connection signals the error
            answer = problem(500, "Attune failed", "unexpected error; the service's log has the cause")
            await answer(self._scope, receive, self._send)
        finally:
            facts = self._facts()
            logger.info("request", extra={FIELDS: facts})
            self._measure(facts)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            _add_headers(headers)
            application = self._app_state("application")
            other = FORWARDED_HEADER in headers  # then the mark is that of the shard that answered
            if application is not None and application.feed.may_be_behind and not other:
                headers[DEGRADED_HEADER] = "true"
        await self._forward(message)

    def _measure(self, facts: dict[str, Any]) -> None:
        latency = self._app_state("latency")
        if latency is None:
            return
        # paths and methods are free text: requests without a route are one series
        labels = (facts["method"], facts["route"]) if facts["route"] else ("none", "none")
        latency.labels(*labels, str(facts["status"])).observe(facts["ms"] / 1_000)

    def _app_state(self, name: str) -> Any:
        """Return a value of the application's state; None before the service has started."""
        return getattr(getattr(self._scope.get("app"), "state", None), name, None)

    def _facts(self) -> dict[str, Any]:
        """Return the logged facts: the route's template, but no path, query or body, which may name readers."""
        return {
            "method": self._scope["method"],
            "route": getattr(self._scope.get("route"), "path_format", None),
            "status": self._status,
            "ms": round((time.perf_counter() - self._started) * 1_000, 2),
            "key": self._scope["state"].get("key"),
        }


def _request_id(scope: Scope) -> str:
    """Return the caller's id if it is safe in a log line, else a new one."""
    given = Headers(scope=scope).get(ID_HEADER, "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _add_headers(headers: MutableHeaders) -> None:
    headers[ID_HEADER] = REQUEST_ID.get() or ""
    for name, value in _SAFE.items():
        headers.setdefault(name, value)
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", _PAGE if is_page else _NOTHING_LOADS)
