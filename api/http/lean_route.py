"""Answers of hot routes without FastAPI's dependency tree, whose solving cost more than all else that HTTP did.

A route declares its parameters as all others do, so the API description and the types are the same. At the start
its declaration becomes a `Plan`: one pydantic model validates the query, and each dependency has a direct
reader. A test compares the answers with those of FastAPI's own reading.
"""

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from starlette.concurrency import run_in_threadpool

F = TypeVar("F", bound=Callable[..., Any])

Read = Callable[[Request], Any]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Errors = list[dict[str, Any]]

_DIRECT: dict[Callable[..., Any], Read] = {}
_LEAN: set[Callable[..., Any]] = set()


def lean(endpoint: F) -> F:
    """Mark the function of a secured route: it is answered without FastAPI's dependency tree."""
    _LEAN.add(endpoint)
    return endpoint


def direct(dependency: Callable[..., Any], read: Read) -> None:
    """Let lean routes call `read` for a dependency: with the same value, or a RequestValidationError."""
    _DIRECT[dependency] = read


def lean_handler(route: APIRoute) -> Handler | None:
    """Return the handler of a route whose endpoint is marked; None for all others."""
    endpoint = route.endpoint
    if endpoint not in _LEAN:
        return None
    plan, body = Plan.of(route.dependant), _Body(endpoint)

    async def handle(request: Request) -> Response:
        return body.response(await run_in_threadpool(endpoint, **plan.read(request)))

    async def handle_here(request: Request) -> Response:
        return body.response(await endpoint(**plan.read(request)))

    return handle_here if inspect.iscoroutinefunction(endpoint) else handle


class PathReader:
    """Reader of one validated value of a path."""

    def __init__(self, name: str, kind: Any) -> None:
        self._name, self._validate = name, TypeAdapter(kind).validate_python

    def __call__(self, request: Request) -> Any:
        """Return the value.

        Raises:
            RequestValidationError: it is not valid.
        """
        try:
            return self._validate(request.path_params[self._name])
        except ValidationError as error:
            raise RequestValidationError(_errors(error, "path", self._name)) from error


class _Body:
    """Body of an answer, by the return type of an endpoint."""

    def __init__(self, endpoint: Callable[..., Any]) -> None:
        kind = inspect.signature(endpoint, eval_str=True).return_annotation
        is_response = isinstance(kind, type) and issubclass(kind, Response)
        self._adapter: TypeAdapter[Any] | None = None if is_response else TypeAdapter(kind)

    def response(self, value: Any) -> Response:
        if self._adapter is None:
            assert isinstance(value, Response)
            return value
        return Response(self._adapter.dump_json(value), media_type="application/json")


@dataclass(frozen=True, slots=True)
class Plan:
    """Reading of the arguments of one endpoint.

    request: name of the argument that is the request; readers: of dependencies; paths: of parts of the path.
    """

    request: str | None
    readers: Mapping[str, Read]
    paths: Mapping[str, Read]
    query: "_ModelQuery | _FieldQuery"

    @classmethod
    def of(cls, declared: Dependant) -> "Plan":
        """Return the plan of what an endpoint declares; headers and bodies only its dependencies may read."""
        readers = {
            each.name: _DIRECT[each.call]
            for each in declared.dependencies
            if each.name is not None and each.call is not None and not isinstance(each.call, SecurityBase)
        }
        others = declared.header_params, declared.cookie_params, declared.body_params, declared.response_param_name
        assert not any(others), "this route cannot be lean"
        paths = {
            field.name: PathReader(field.alias, _annotated(field.field_info)) for field in declared.path_params
        }
        return cls(declared.request_param_name, readers, paths, _query(declared))

    def read(self, request: Request) -> dict[str, Any]:
        """Return the arguments of the endpoint.

        Raises:
            RequestValidationError: with all that is not valid.
        """
        values: dict[str, Any] = {} if self.request is None else {self.request: request}
        errors: Errors = []
        for readers in (self.readers, self.paths):
            for name, read in readers.items():
                try:
                    values[name] = read(request)
                except RequestValidationError as error:
                    errors.extend(error.errors())
        try:
            values.update(self.query.read(request))
        except ValidationError as error:
            errors.extend(_errors(error, "query"))
        if errors:
            raise RequestValidationError(errors)
        return values


@dataclass(frozen=True, slots=True)
class _ModelQuery:
    """Query that one argument declares as a pydantic model. lists: fields with all values of their name."""

    name: str
    model: type[BaseModel]
    lists: frozenset[str]

    def read(self, request: Request) -> dict[str, Any]:
        return {
            self.name: self.model.model_validate(_given(request, self.lists, repeated=self.model.model_fields))
        }


@dataclass(frozen=True, slots=True)
class _FieldQuery:
    """Query whose values are arguments. names: argument of each field; other values of the query are ignored."""

    model: type[BaseModel]
    names: Mapping[str, str]

    def read(self, request: Request) -> dict[str, Any]:
        if not self.names:
            return {}
        found = self.model.model_validate(_given(request, frozenset(), repeated=self.names))
        return {name: getattr(found, name) for name in self.names.values()}


def _query(declared: Dependant) -> _ModelQuery | _FieldQuery:
    fields = declared.query_params
    kind = fields[0].field_info.annotation if len(fields) == 1 else None
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        lists = (name for name, field in kind.model_fields.items() if "list[" in str(field.annotation))
        return _ModelQuery(fields[0].name, kind, frozenset(lists))
    names = {field.alias: field.name for field in fields}
    parts: dict[str, Any] = {field.name: (field.field_info.annotation, field.field_info) for field in fields}
    return _FieldQuery(create_model("Query", **parts), names)


def _given(request: Request, lists: frozenset[str], repeated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query: the last value of each name, but all of `lists`, and all of repeated unknown names."""
    if not request.scope["query_string"]:
        return {}
    query = request.query_params
    given: dict[str, Any] = dict(query)
    for name in given:
        if name in lists:
            given[name] = query.getlist(name)
        elif name not in repeated and len(values := query.getlist(name)) > 1:
            given[name] = values
    return given


def _annotated(info: Any) -> Any:
    """Return the type of a parameter with its constraints."""
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def _errors(error: ValidationError, *place: str) -> Sequence[dict[str, Any]]:
    found = error.errors(include_url=False)
    return [{**each, "loc": (*place, *each["loc"])} for each in found]
