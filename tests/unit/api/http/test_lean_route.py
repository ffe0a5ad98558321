"""Lean routes read a request as FastAPI would: the same arguments, and the same errors in the same order."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.gorse import recommend_routes
from api.http.lean_route import Plan, lean_handler
from api.http.problems import HTTPProblem
from api.http.routes import feed_routes
from ingest.pseudonyms import Pseudonyms

ROUTES = {
    route.endpoint.__name__: route
    for router in (feed_routes.own, recommend_routes.router)
    for route in router.routes
    if isinstance(route, APIRoute)
}
QUERIES = [
    "",
    "limit=5&category=local&exclude=a&exclude=b&minutes=12.5&explain=false&device=mobile&page=%20a7%20",
    "limit=5&limit=7&explore=0.1&access=free&include=tldr&preview=true&cursor=abc",
    "limit=0&explore=2&diversity=x&explain=perhaps",
    "minute=10&minute=11&limi=3",
    "exclude=&page=&category=",
    "access=some&include=body&device=" + "d" * 65,
    "reader=r1&reader=%20r2%20",
    "n=5&offset=10&category=local",
    "n=-1&offset=many&write-back-type=read&write-back-delay=10m",
    "write-back-type=" + "t" * 65 + "&unknown=1",
    "page=%00",
]
HEADERS = [
    {},
    {"accept-language": "da, en;q=0.5", "x-api-version": "2"},
    {"x-attune-preview": "true"},
    {"x-attune-preview": "perhaps", "user-agent": "Googlebot/2.1"},
    {"sec-purpose": "prefetch"},
]


def request_of(query: str, headers: dict[str, str], **path: str) -> Request:
    state = SimpleNamespace(application=object(), pseudonyms=Pseudonyms(None))
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "path_params": path,
            "app": SimpleNamespace(state=state),
            "state": {},
        }
    )


def outcome(errors: list[Any]) -> list[tuple[Any, ...]]:
    return [(error["type"], tuple(error["loc"]), error["msg"]) for error in errors]


async def framework(route: APIRoute, request: Request) -> Any:
    async with AsyncExitStack() as stack:
        request.scope |= {"fastapi_inner_astack": stack, "fastapi_function_astack": stack}
        solved = await solve_dependencies(
            request=request, dependant=route.dependant, async_exit_stack=stack, embed_body_fields=False
        )
    return outcome(solved.errors) if solved.errors else solved.values


def leanly(route: APIRoute, request: Request) -> Any:
    try:
        return Plan.of(route.dependant).read(request)
    except RequestValidationError as error:
        return outcome(list(error.errors()))


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("name", ["feed", "own_feed", "recommend", "recommend_in_category"])
def test_arguments_and_errors_are_those_of_the_framework(name: str, query: str) -> None:
    route = ROUTES[name]
    assert lean_handler(route) is not None
    for headers in HEADERS:
        for named in ("r1", " ", "r" * 513):
            path = {"reader": named} if name == "feed" else {"user": named, "category": "local"}
            request = request_of(query, headers, **path)
            found, expected = leanly(route, request), asyncio.run(framework(route, request))
            assert found == expected


def test_a_reader_token_may_not_preview_in_either(tmp_path: Path) -> None:
    request = request_of("", {"x-attune-preview": "1"}, reader="r1")
    request.state.reader = "r1"
    with pytest.raises(HTTPProblem):
        leanly(ROUTES["feed"], request)
    with pytest.raises(HTTPProblem):
        asyncio.run(framework(ROUTES["feed"], request))


def test_other_routes_are_left_to_the_framework() -> None:
    assert lean_handler(ROUTES["session_recommend"]) is None
