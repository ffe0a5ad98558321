"""Cross-origin access of web pages.

Pages of the origins in ATTUNE_CORS_ORIGINS may use all routes. Pages of the origins of valid site keys may send
events, and use the routes that a reader token allows. Cookies are never used here.
"""

import logging

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.application.origins import is_origin
from api.http.dependencies import PREVIEW_HEADER
from api.http.request_middleware import ID_HEADER
from api.http.security.keyring import KeyRing
from recsys.errors import ConfigError, StoreError

logger = logging.getLogger(__name__)

_OF_PAGES = ("/v1/collect", "/v1/feed", "/v1/readers/")
"""Beginnings of the paths that pages with a site key use; what they may do there is decided by the routes."""


def allow(app: FastAPI, origins: str) -> None:
    """Allow pages of `origins`, separated by commas, and of site keys to send requests.

    Raises:
        ConfigError: one of them is not an origin.
    """
    allowed = [origin.strip() for origin in origins.split(",") if origin.strip()]
    for origin in allowed:
        if origin != "*" and not is_origin(origin):
            raise ConfigError(
                f"ATTUNE_CORS_ORIGINS: {origin!r} is not an origin; write it like https://news.example.org"
            )
    app.add_middleware(SiteOriginsMiddleware, everywhere=allowed)


class SiteOriginsMiddleware:
    """Middleware that allows origins: those of `everywhere` on all paths, those of site keys on paths of pages."""

    def __init__(self, app: ASGIApp, everywhere: list[str]) -> None:
        self._app = app
        self._everywhere = _allowing(app, everywhere) if everywhere else app
        self._of_pages: dict[str, CORSMiddleware] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._everywhere
        if scope["type"] == "http" and scope["path"].startswith(_OF_PAGES):
            origin = Headers(scope=scope).get("origin")
            if origin is not None and await _names(scope["app"].state.keys, origin):
                if origin not in self._of_pages:
                    self._of_pages[origin] = _allowing(self._app, [origin])
                answer = self._of_pages[origin]
        await answer(scope, receive, send)


async def _names(ring: KeyRing, origin: str) -> bool:
    """Return True if a valid site key names `origin`."""
    try:
        return origin in (await ring.current()).origins
    except StoreError as error:
        logger.warning("origins of site keys cannot be read: %s", type(error).__name__)
        return False  # the route answers that the database is unavailable


def _allowing(app: ASGIApp, origins: list[str]) -> CORSMiddleware:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "X-API-Key",
            "X-API-Version",
            PREVIEW_HEADER,
            ID_HEADER,
        ],
        expose_headers=[ID_HEADER, "Retry-After", "ETag"],
    )
