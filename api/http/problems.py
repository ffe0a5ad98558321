"""Errors as RFC 9457 problem documents."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.http.openapi import PROBLEM_TYPE
from api.http.schemas import Problem
from recsys.errors import AttuneError, BundleError, DataError, ErasureError, RequestError, StoreError

logger = logging.getLogger(__name__)

_ASK_LATER = "try again later; the service's log has the cause under this answer's X-Request-ID"


@dataclass(frozen=True, slots=True)
class _Template:
    """What a kind of error is answered with; without a `detail`, the error's own message is told."""

    status: int
    title: str
    detail: str | None = None


_TEMPLATES: dict[type[AttuneError], _Template] = {
    RequestError: _Template(422, "The request cannot be answered"),
    DataError: _Template(422, "The data cannot be read"),
    BundleError: _Template(409, "The model cannot serve"),  # only routes of scope admin raise it
    ErasureError: _Template(
        503,
        "The reader is not erased from all files yet",
        f"the rows are deleted, but database files may still hold them: erase the reader again; {_ASK_LATER}",
    ),
    # its message has the database's address and what the driver says
    StoreError: _Template(503, "The store cannot be reached", f"the database cannot be used now: {_ASK_LATER}"),
    AttuneError: _Template(500, "Attune failed", f"the service cannot answer this: {_ASK_LATER}"),
}
"""The first kind that fits holds."""


_LATER = {"Retry-After": "5"}
"""Seconds; a database that was away is used again as soon as it answers."""


_SEE_DOCS = {
    404: "there is no such path; /docs describes all there are",
    405: "this path does not answer this method; /docs describes the ones it does",
}


class HTTPProblem(HTTPException):
    """A request that is not answered, with what its problem document says."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.title = title


def install(app: FastAPI) -> None:
    """Answer every expected error with a problem document; `request_middleware` answers all others."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(AttuneError, _attune)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document."""
    body = Problem(title=title, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers, media_type=PROBLEM_TYPE)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if not _says_json(request) and any(each["loc"] == ("body",) for each in found):
        wrong = "body: send it as JSON, with the header 'content-type: application/json'"
    else:
        wrong = "; ".join(_wrong(each) for each in found)
    return problem(422, "The request does not validate", wrong)


def _says_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "").lower()


def _wrong(found: Mapping[str, Any]) -> str:
    """Where it is wrong, and what is."""
    what = (
        "nothing has this name here; /docs lists the names" if found["type"] == "extra_forbidden" else found["msg"]
    )
    return f"{'.'.join(str(part) for part in found['loc'])}: {what}"


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title, detail = getattr(error, "title", str(error.detail)), str(error.detail)
    if not isinstance(error, HTTPProblem):  # Starlette's own, which say no more than the status
        detail = _SEE_DOCS.get(error.status_code, detail)
    return problem(error.status_code, title, detail, error.headers)


async def _attune(_request: Request, error: Exception) -> JSONResponse:
    told = next(told for kind, told in _TEMPLATES.items() if isinstance(error, kind))
    if told.status != 422:  # those are the caller's own affair, and may quote what the caller sent
        logger.log(logging.ERROR if told.status >= 500 else logging.WARNING, "%s: %s", told.title, error)
    later = _LATER if isinstance(error, StoreError) else None
    return problem(told.status, told.title, told.detail or str(error), later)
