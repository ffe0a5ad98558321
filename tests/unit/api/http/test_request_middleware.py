"""Every request: its id, its line in the log, safe headers, and unexpected errors."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.application.scopes import Scope
from api.http.logging_setup import JsonFormatter, TextFormatter
from tests.unit.api.conftest import MakeClient, bearer

READER = secrets.token_hex(16)


class Lines(logging.Handler):
    """Everything that is logged, as the lines a file would hold."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("httpx"):  # the test's own client
            self.lines.append(self.format(record))

    def requests(self) -> list[dict[str, Any]]:
        reported = [json.loads(line) for line in self.lines]
        return [each for each in reported if each["message"] == "request"]


@pytest.fixture(params=[JsonFormatter, TextFormatter])
def any_log(request: pytest.FixtureRequest) -> Iterator[Lines]:
    yield from capturing(request.param())


@pytest.fixture
def log() -> Iterator[Lines]:
    yield from capturing(JsonFormatter())


def capturing(formatter: logging.Formatter) -> Iterator[Lines]:
    handler, root = Lines(formatter), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def broken(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("recsys.feed.engine.FeedEngine.recommend", fail)


def test_a_request_is_one_line_with_its_template_and_nothing_that_names_anybody(
    serve: MakeClient, log: Lines, new_key: Callable[..., str]
) -> None:
    token = new_key(Scope.READ)
    answer = serve().get(f"/v1/feed/{READER}", params={"limit": 3}, headers=bearer(token))
    (line,) = log.requests()
    assert line.pop("ms") > 0
    assert line.pop("at").startswith("20")
    assert line == {
        "level": "info",
        "logger": "api.http.request_middleware",
        "message": "request",
        "request_id": answer.headers["x-request-id"],
        "method": "GET",
        "route": "/v1/feed/{reader}",
        "status": 200,
        "key": token.split("_")[1],
    }


def test_no_line_of_the_log_names_a_reader_or_a_key(
    serve: MakeClient, any_log: Lines, new_key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [new_key(scope) for scope in (Scope.READ, Scope.WRITE)]
    client = serve()
    read, write = (bearer(token) for token in tokens)
    event = {"reader": READER, "article": "a", "kind": "click"}
    client.post("/v1/events", json={"events": [event, {**event, "kind": "no"}]}, headers=write)
    client.post("/v1/rank", json={"candidates": ["a"], "reader": READER, "x": READER}, headers=read)
    client.get(f"/{READER}?{READER}", headers=read)
    client.get(f"/v1/feed/{READER}", params={"device": READER, "limit": READER}, headers=read)
    broken(monkeypatch, ValueError(f"{READER} was not expected"))
    assert client.get(f"/v1/feed/{READER}", headers=read).status_code == 500
    everything = "\n".join(any_log.lines)
    assert "ValueError" in everything
    assert "api/http/routes/feed_routes.py" in everything, "the log names the place"
    for secret in (READER, *tokens):
        assert secret not in everything


@pytest.mark.parametrize("given", ["a", "Trace.1_2-3", "f" * 64])
def test_a_sane_request_id_is_taken_over(serve: MakeClient, log: Lines, given: str) -> None:
    answer = serve().get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert log.requests()[0]["request_id"] == given


@pytest.mark.parametrize("given", ["", "f" * 65, "a b", "é", 'x"}', "a\tb", "{}"])
def test_any_other_is_replaced(serve: MakeClient, given: str) -> None:
    answer = serve().get("/healthz", headers={"X-Request-ID": given.encode()})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"] != given


def test_every_answer_has_safe_headers(serve: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve()
    broken(monkeypatch, ValueError("the secret"))
    answers = [client.get(path) for path in ("/healthz", "/nothing", "/v1/feed/r", "/v1/feed/r?limit=0", "/docs")]
    assert [answer.status_code for answer in answers] == [200, 404, 500, 422, 200]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]
    assert "default-src" not in answers[-1].headers["content-security-policy"], "the page of /docs loads scripts"
    assert "secret" not in answers[2].text


def test_lines_of_other_loggers_belong_to_the_request_that_caused_them(
    serve: MakeClient, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(*_: object, **__: object) -> None:
        logging.getLogger("elsewhere").warning("in the thread that answers")
        raise ValueError

    monkeypatch.setattr("recsys.feed.engine.FeedEngine.recommend", report)
    answer = serve().get("/v1/feed/r")
    reported = [json.loads(line) for line in log.lines]
    assert {each.get("request_id") for each in reported if each["logger"] == "elsewhere"} == {
        answer.headers["x-request-id"]
    }


def test_an_answer_that_breaks_off_is_not_made_to_look_whole(
    serve: MakeClient, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: TestClient = serve()

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half-way")

    client.app.router.routes[0].app = half  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="half-way"):
        TestClient(client.app).get("/openapi.json")
    assert log.requests()[0]["status"] == 200
