"""Parameters of the routes of Gorse's API: their types, durations in Go's notation, and the router."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.application.scopes import Scope
from api.gorse.gorse_schemas import TypeName
from api.http.schemas import Id, Text
from api.http.security.auth import API_KEY, secured_router
from recsys.errors import RequestError

MOST_LISTED = 1_000

Item = Annotated[Id, Path()]
Type = Annotated[TypeName, Path()]
CategoryPath = Annotated[Text, Path(max_length=256)]
Category = Annotated[Text, Query(max_length=256)]
N = Annotated[int, Query(ge=0, le=MOST_LISTED)]
Offset = Annotated[int, Query(ge=0, le=MOST_LISTED)]
Cursor = Annotated[Text, Query(max_length=4_096)]

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_LONGEST = 366 * 24 * 3600.0


def gorse(tag: str, needed: Scope) -> APIRouter:
    """Return a router of Gorse's API, with the same access control as /v1."""
    return secured_router("/api", f"gorse: {tag}", needed, API_KEY)


def seconds_of(text: str) -> float:
    """Convert a duration to seconds: ``1h30m`` → 5400.0; an empty text → 0.

    Raises:
        RequestError: the text is not a duration, or longer than a year.
    """
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text and text != "0":
        raise RequestError(f"{text!r} is not a duration: write it like 10m or 1h30m")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise RequestError(f"{text!r} is longer than a year")
    return seconds
