"""What the API's description says of errors: problem documents, by status."""

from typing import Any

from fastapi import FastAPI

from api.http.schemas import Problem

PROBLEM_TYPE = "application/problem+json"

_TOLD = {
    400: "The body cannot be read.",
    401: "No key, or one that does not hold.",
    403: "The key has another scope.",
    404: "There is no such thing.",
    409: "It cannot be done as things stand; the detail says why.",
    413: "The body is too large.",
    422: "The request does not validate; the detail says where.",
    429: "The key asked too often; `Retry-After` says for how many seconds to wait.",
    503: "The store cannot be reached, or the service is not ready.",
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """For `responses` of a route or router: these statuses are answered with problem documents."""
    return {status: {"model": Problem, "description": _TOLD[status]} for status in statuses}


_UNREADABLE = {
    "description": _TOLD[400],
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""Of a body that is not JSON in UTF-8."""


def describe(app: FastAPI) -> None:
    """Tell the media type of problems in the description: FastAPI names that of the route's own answers."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        schema = made()
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
