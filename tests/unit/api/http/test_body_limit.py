"""Largest body of a request, with and without a declared length."""

from collections.abc import Callable, Iterator

import pytest

from api.application.scopes import Scope
from tests.unit.api.conftest import MakeClient, bearer

LIMIT = 2_000
JSON = {"content-type": "application/json"}


def chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, 500):
        yield b" " * min(500, size - start)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_by_name(serve: MakeClient, declared: bool) -> None:
    client = serve(max_body_bytes=LIMIT)
    content = b" " * (LIMIT + 1) if declared else chunks(LIMIT + 1)
    answer = client.post("/v1/events", content=content, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert "ATTUNE_MAX_BODY_BYTES" in answer.json()["detail"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_at_the_limit_is_read(serve: MakeClient, declared: bool) -> None:
    client = serve(max_body_bytes=LIMIT)
    row = b'{"events": [{"reader": "r", "article": "a", "kind": "click"}]}'
    content = row + b" " * (LIMIT - len(row))
    sent = content if declared else (content[i : i + 500] for i in range(0, LIMIT, 500))
    assert client.post("/v1/events", content=sent, headers=JSON).json()["accepted"] == 1


@pytest.mark.parametrize("length", ["-1", "1e9", "٣", "", "9" * 5_000])
def test_a_length_that_is_a_lie_changes_nothing(serve: MakeClient, length: str) -> None:
    headers = {**JSON, "content-length": length.encode()}
    answer = serve(max_body_bytes=LIMIT).post("/v1/events", content=b" " * (LIMIT + 1), headers=headers)
    assert answer.status_code == 413


def test_strangers_are_refused_before_their_body_is_read(serve: MakeClient, new_key: Callable[..., str]) -> None:
    client, token = serve(max_body_bytes=LIMIT), new_key(Scope.WRITE)
    sent: list[int] = []

    def body() -> Iterator[bytes]:
        for _ in range(10):
            sent.append(1)
            yield b" " * LIMIT

    assert client.post("/v1/events", content=b" " * (LIMIT + 1), headers=JSON).status_code in (401, 413)
    answer = client.post("/v1/events", content=body(), headers={**JSON, **bearer(token)})
    assert answer.status_code == 413
