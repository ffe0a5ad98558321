"""Problem documents (RFC 9457) for errors."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.http.openapi import PROBLEM_TYPE
from api.http.schemas import Problem
from ingest.event_rows import Rejected
from recsys.errors import AttuneError, BundleError, DataError, ErasureError, RequestError, StoreError

logger = logging.getLogger(__name__)

_TRY_LATER = "try again later; the service's log has the cause under this answer's X-Request-ID"


@dataclass(frozen=True, slots=True)
class _Template:
    """Answer to one class of errors; without `detail`, the error's own message is the detail."""

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
        f"the rows are deleted, but database files may still contain them: erase the reader again; {_TRY_LATER}",
    ),
    # the message of the error contains the database's address and the driver's text
    StoreError: _Template(503, "The database is unavailable", f"the database cannot be used now: {_TRY_LATER}"),
    AttuneError: _Template(500, "Attune failed", f"the service cannot answer this request: {_TRY_LATER}"),
}
"""The first class that matches is used."""


_LATER = {"Retry-After": "5"}
"""Seconds; an unavailable database is used again as soon as it answers."""


_SEE_DOCS = {
    404: "this path does not exist; /docs lists all paths",
    405: "this path does not support this method; /docs lists its methods",
}


class HTTPProblem(HTTPException):
    """Error of a request, with the title and detail of its problem document."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.title = title


def rows_rejected(first: str, rejected: Sequence[Rejected]) -> HTTPProblem:
    """Return the 422 problem for `rejected` rows; `first` names the first of them."""
    others = f" and {len(rejected) - 1} more" if len(rejected) > 1 else ""
    problem_ = rejected[0].problem
    detail = f"{first}{others}: {problem_.reason} ({problem_.fix}); all other rows are stored"
    return HTTPProblem(422, "Not all rows were stored", detail)


def install(app: FastAPI) -> None:
    """Answer every expected error with a problem document; `request_middleware` answers all others."""
    for kind in (RequestValidationError, HTTPException, AttuneError):
        app.add_exception_handler(kind, _answer)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a problem document as a response."""
    body = Problem(title=title, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers, media_type=PROBLEM_TYPE)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | HTTPException | AttuneError)
    found = as_problem(request, error)
    return problem(found.status_code, found.title, found.detail, found.headers)


def as_problem(request: Request, error: RequestValidationError | HTTPException | AttuneError) -> HTTPProblem:
    """Return the problem that answers `request`, which raised `error`."""
    if isinstance(error, AttuneError):
        return problem_of(error)
    return _invalid(request, error) if isinstance(error, RequestValidationError) else _http(error)


def _invalid(request: Request, error: RequestValidationError) -> HTTPProblem:
    errors = error.errors()
    if not _declares_json(request) and any(each["loc"] == ("body",) for each in errors):
        detail = "body: send it as JSON, with the header 'content-type: application/json'"
    else:
        detail = "; ".join(_message(each) for each in errors)
    return HTTPProblem(422, "The request is not valid", detail)


def _declares_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "").lower()


_MESSAGES = {
    "extra_forbidden": "there is no field of this name; /docs lists all",
    "json_invalid": "this is not JSON from this character on",
    "model_attributes_type": "send a JSON object, such as {…}, with the fields that /docs lists",
}
"""Messages of types of validation errors whose own message names no fix."""


def _message(error: Mapping[str, Any]) -> str:
    """Return the place of a validation error, and its message."""
    message = _MESSAGES.get(error["type"], error["msg"])
    return f"{'.'.join(str(part) for part in error['loc'])}: {message}"


def _http(error: HTTPException) -> HTTPProblem:
    if isinstance(error, HTTPProblem):
        return error
    detail = str(error.detail)  # Starlette's own errors say no more than the status
    return HTTPProblem(error.status_code, detail, _SEE_DOCS.get(error.status_code, detail), error.headers)


def problem_of(error: AttuneError) -> HTTPProblem:
    """Return the problem that answers an error, and log it unless its cause is the request."""
    template = next(template for kind, template in _TEMPLATES.items() if isinstance(error, kind))
    if template.status != 422:  # those are errors of the caller, and may quote the request
        logger.log(logging.ERROR if template.status >= 500 else logging.WARNING, "%s: %s", template.title, error)
    later = _LATER if isinstance(error, StoreError) else None
    return HTTPProblem(template.status, template.title, template.detail or str(error), later)
