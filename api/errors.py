"""Errors as RFC 9457 problem documents."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.openapi import PROBLEM_TYPE
from api.schemas import Problem
from recsys.errors import AttuneError, BundleError, DataError, RequestError, StoreError

logger = logging.getLogger(__name__)

_STATUS: dict[type[AttuneError], tuple[int, str]] = {
    RequestError: (422, "The request cannot be answered"),
    DataError: (422, "The data cannot be read"),
    BundleError: (409, "The model cannot serve"),
    StoreError: (503, "The store cannot be reached"),
}


_LATER = {"Retry-After": "5"}
"""Seconds; a database that was away is used again as soon as it answers."""


class Refusal(HTTPException):
    """A request that is not answered, with what its problem document says."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.title = title


def install(app: FastAPI) -> None:
    """Answer every error that was foreseen with a problem document; `api.requests` answers the others."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(AttuneError, _attune)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document."""
    body = Problem(title=title, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers, media_type=PROBLEM_TYPE)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
    return problem(422, "The request does not validate", wrong)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    return problem(error.status_code, getattr(error, "title", detail), detail, error.headers)


async def _attune(_request: Request, error: Exception) -> JSONResponse:
    known = (found for kind, found in _STATUS.items() if isinstance(error, kind))
    status, title = next(known, (500, "Attune failed"))
    if status >= 500:
        logger.error("%s: %s", title, error)
    return problem(status, title, str(error), _LATER if isinstance(error, StoreError) else None)
