"""Limit on the size of request bodies.

FastAPI's own `max_body_size` answers in plain text, outside of every middleware; this one answers with a problem
document.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import HTTPProblem

_DIGITS = 18
"""A number with more digits is above any limit."""


class BodyLimitMiddleware:
    """Middleware: reading a body of more than `most` bytes fails, with or without a declared length.

    It fails only when the body is read, so that requests without a key get that error first.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            receive = _bounded(receive, _declared(scope), self._most)
        await self._app(scope, receive, send)


def _bounded(receive: Receive, declared: int, most: int) -> Receive:
    received = 0

    async def read() -> Message:
        nonlocal received
        if declared > most:
            raise _too_large(most)
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return read


def _declared(scope: Scope) -> int:
    """Return the declared length; 0 without a valid one, because the bytes are counted anyway."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:_DIGITS]) if length.isascii() and length.isdigit() else 0


def _too_large(most: int) -> HTTPProblem:
    detail = f"a body may have at most {most} bytes (ATTUNE_MAX_BODY_BYTES): send the rows in several requests"
    # the remaining body is not read, so the connection cannot be used again
    return HTTPProblem(413, "The body is too large", detail, {"Connection": "close"})
