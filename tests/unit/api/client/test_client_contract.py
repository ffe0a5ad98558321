"""The clients against the API document: what they send exists there, and no option is left out."""

import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from attune_client.operations import FeedOptions, RankOptions
from fastapi import FastAPI, Request

from tests.live import listening
from tests.unit.api.client.drivers import NAMES, client
from tests.unit.api.conftest import api_document

DOCUMENT: dict[str, Any] = api_document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

CALLS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "feed": (["r"], dict.fromkeys(get_type_hints(FeedOptions), 1) | {"exclude": ["a", "b"]}),
    "rank": ([["a"]], dict.fromkeys(get_type_hints(RankOptions), "x")),
    "events": ([[{"reader": "r"}]], {}),
    "articles": ([[{"id": "a"}]], {}),
    "preferences": (["r"], {"follow": ["a"], "focus": ["b"], "mute": ["c"]}),
    "pause_learning": (["r"], {"paused": False}),
    "attention": (["r"], {}),
    "export": (["r"], {}),
    "erase": (["r"], {}),
    "reader_token": (["r", 60], {}),
}
"""Every method with all of its options."""

Seen = tuple[str, str, set[str], dict[str, Any]]
"""Method, path, names of the query, and body."""


@pytest.fixture(scope="module", params=NAMES)
def sent(request: pytest.FixtureRequest) -> Iterator[dict[str, Seen]]:
    """The request of each method, as it arrives at a service that answers everything."""
    app, seen = FastAPI(), []

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def note(path: str, request: Request) -> dict[str, str]:
        body = await request.json() if await request.body() else {}
        seen.append((request.method, f"/{path}", set(request.query_params), body))
        return {}

    with listening(app) as address, client(request.param, address) as call:
        found = {}
        for method, (arguments, options) in CALLS.items():
            call(method, *arguments, **options)
            found[method] = seen[-1]
        yield found


@pytest.mark.parametrize("method", CALLS)
def test_a_method_sends_what_the_document_describes(sent: dict[str, Seen], method: str) -> None:
    verb, path, query, body = sent[method]
    operation = described(verb, path)
    parameters = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert query <= parameters.keys()
    assert {name for name, each in parameters.items() if each.get("required")} <= query
    schema = body_schema(operation)
    assert body.keys() <= schema.get("properties", {}).keys()
    assert set(schema.get("required", ())) <= body.keys()


def test_no_option_of_the_document_is_left_out(sent: dict[str, Seen]) -> None:
    parameters = described("GET", "/v1/feed")["parameters"]
    assert sent["feed"][2] == {each["name"] for each in parameters if each["in"] == "query"}
    for method in ("rank", "preferences", "pause_learning", "reader_token", "events", "articles"):
        verb, path, _, body = sent[method]
        assert body.keys() == body_schema(described(verb, path))["properties"].keys(), method


def described(method: str, path: str) -> dict[str, Any]:
    """The operation of a request; the path without parameters wins."""
    for template in sorted(DOCUMENT["paths"], key=lambda each: each.count("{")):
        if (
            re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path)
            and method.lower() in DOCUMENT["paths"][template]
        ):
            found: dict[str, Any] = DOCUMENT["paths"][template][method.lower()]
            return found
    raise AssertionError(f"the API has no {method} {path}")


def body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
