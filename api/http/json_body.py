"""Bodies of routes that are called so often that FastAPI's reading of parameters would cost too much."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)


async def json_body(request: Request, model: type[T]) -> T:
    """Read and validate the body of a request.

    Raises:
        RequestValidationError: the body is not JSON, or does not fit `model`.
    """
    content = await request.body()
    if "json" not in request.headers.get("content-type", ""):
        raise _invalid("not JSON")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"not JSON: {error}") from error
    return validated(given, model)


def validated(given: object, model: type[T]) -> T:
    """Return parsed JSON as `model`.

    Raises:
        RequestValidationError: it does not fit.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from error


def _invalid(message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": message, "input": None}])


def body_schema(model: type[BaseModel], types: Sequence[str] = ("application/json",)) -> dict[str, Any]:
    """Return the description of such a body for OpenAPI, in the media types that may declare it."""
    schema = {"schema": model.model_json_schema()}
    return {"requestBody": {"required": True, "content": dict.fromkeys(types, schema)}}
