"""Which pages of other origins may read answers: none, unless ATTUNE_CORS_ORIGINS names them."""

import re

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.http.request_middleware import ID_HEADER
from recsys.errors import ConfigError

_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\-\[\]:]+")


def allow(app: FastAPI, origins: str) -> None:
    """Let pages of `origins`, separated by commas, ask with a key. Cookies are never taken.

    Raises:
        ConfigError: one of them is no origin.
    """
    named = [origin.strip() for origin in origins.split(",") if origin.strip()]
    for origin in named:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"ATTUNE_CORS_ORIGINS: {origin!r} is no origin; write it like https://news.example.org"
            )
    if named:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=named,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-API-Version", ID_HEADER],
            expose_headers=[ID_HEADER, "Retry-After", "ETag"],
        )
