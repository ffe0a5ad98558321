"""Readers as requests name them → as everything behind the edge knows them.

The dependencies are coroutines: FastAPI would send plain functions to another thread, one after the other.
"""

from typing import Annotated

from fastapi import Depends, Path, Request

from api.http.schemas import Id
from ingest.pseudonyms import Pseudonyms


async def _pseudonyms(request: Request) -> Pseudonyms:
    found: Pseudonyms = request.app.state.pseudonyms
    return found


PseudonymsDep = Annotated[Pseudonyms, Depends(_pseudonyms)]
"""For bodies, which name readers where no path does."""


async def _reader(pseudonyms: PseudonymsDep, reader: Annotated[Id, Path()]) -> str:
    return pseudonyms.of(reader)


async def _user(pseudonyms: PseudonymsDep, user: Annotated[Id, Path()]) -> str:
    return pseudonyms.of(user)


Reader = Annotated[str, Depends(_reader)]
"""`{reader}` of a path."""

User = Annotated[str, Depends(_user)]
"""`{user}` of a path of Gorse's API."""

RawReaderId = Annotated[Id, Path(alias="reader")]
"""The same reader as the path names them."""
