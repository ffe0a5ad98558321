"""Cross-origin access: web pages of other origins may read answers only if ATTUNE_CORS_ORIGINS names them."""

import re

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.http.dependencies import PREVIEW_HEADER
from api.http.request_middleware import ID_HEADER
from recsys.errors import ConfigError

_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\-\[\]:]+")


def allow(app: FastAPI, origins: str) -> None:
    """Allow pages of `origins`, separated by commas, to send requests with a key. Cookies are never used.

    Raises:
        ConfigError: one of them is not an origin.
    """
    allowed = [origin.strip() for origin in origins.split(",") if origin.strip()]
    for origin in allowed:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"ATTUNE_CORS_ORIGINS: {origin!r} is not an origin; write it like https://news.example.org"
            )
    if allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed,
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
