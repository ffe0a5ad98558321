"""Description of errors in the API documentation: problem documents, by status."""

from typing import Any

from fastapi import FastAPI

from api.http.schemas import Problem

PROBLEM_TYPE = "application/problem+json"

_DESCRIPTIONS = {
    400: "The body cannot be parsed.",
    401: "The key is missing or not valid.",
    403: "The key has another scope.",
    404: "The resource does not exist.",
    409: "The current state does not allow this; the detail gives the reason.",
    413: "The body is too large.",
    422: "The request is not valid; the detail names the field.",
    429: "The key sent too many requests; `Retry-After` gives the seconds to wait.",
    503: "The database is unavailable, or the service is not ready.",
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """Return `responses` of a route or router: these statuses are answered with problem documents."""
    return {status: {"model": Problem, "description": _DESCRIPTIONS[status]} for status in statuses}


_UNREADABLE = {
    "description": _DESCRIPTIONS[400],
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""Response to a body that is not JSON in UTF-8."""


def describe(app: FastAPI) -> None:
    """Set the media type of problems in the API description: FastAPI gives them that of the route's answers."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        schema = original()
        for path in schema["paths"].values():
            for operation in path.values():
                if "requestBody" in operation:
                    operation["responses"].setdefault("400", _UNREADABLE)
                for status, response in operation.get("responses", {}).items():
                    _retype(status, response)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _retype(status: str, response: dict[str, Any]) -> None:
    content = response.get("content", {})
    if status >= "400" and content.keys() - {PROBLEM_TYPE}:
        (body,) = content.values()
        response["content"] = {PROBLEM_TYPE: body}
