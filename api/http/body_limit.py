"""How large a request's body may be.

FastAPI's own `max_body_size` answers in plain text, outside of every middleware; this one is a problem.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import HTTPProblem

_DIGITS = 18
"""More of them would be more than any limit."""


class BodyLimitMiddleware:
    """Middleware: reading a body of more than `most` bytes fails, whether its length was declared or not.

    It fails when the body is read, so whoever has no key is told that first.
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
    got = 0

    async def read() -> Message:
        nonlocal got
        if declared > most:
            raise _too_large(most)
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise _too_large(most)
        return message

    return read


def _declared(scope: Scope) -> int:
    """What the caller says; 0 for nothing or nonsense, which counting takes care of."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:_DIGITS]) if length.isascii() and length.isdigit() else 0


def _too_large(most: int) -> HTTPProblem:
    detail = f"a body may have {most} bytes (ATTUNE_MAX_BODY_BYTES); send the rows in several requests"
    # the rest of the body is not read, so the connection cannot be used again
    return HTTPProblem(413, "The body is too large", detail, {"Connection": "close"})
