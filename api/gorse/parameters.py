"""Parameters that several routes of Gorse's API share."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.application.scopes import Scope
from api.gorse.gorse_schemas import TypeName
from api.http.schemas import Id, Text
from api.http.security.auth import API_KEY, secured_router

MOST_LISTED = 1_000

Item = Annotated[Id, Path()]
Type = Annotated[TypeName, Path()]
CategoryPath = Annotated[Text, Path(max_length=256)]
Category = Annotated[Text, Query(max_length=256)]
N = Annotated[int, Query(ge=0, le=MOST_LISTED)]
Offset = Annotated[int, Query(ge=0, le=MOST_LISTED)]
Cursor = Annotated[Text, Query(max_length=4_096)]


def gorse(tag: str, needed: Scope) -> APIRouter:
    """Return a router of Gorse's API, with the same access control as /v1."""
    return secured_router("/api", f"gorse: {tag}", needed, API_KEY)
