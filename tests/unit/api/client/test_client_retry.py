"""Failures of the service, and of the connection to it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attune_client import AttuneClientError

from tests.unit.api.client.drivers import client

STORED = {"accepted": 1, "duplicates": 0, "rejected": [], "warnings": []}
LOST = 0
"""A connection that is closed without an answer."""


class Unsteady:
    """A service whose next answers have these statuses; after them, 200. It keeps the bodies of requests."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.retry_after: str | None = None
        self.bodies: list[Any] = []
        self.answer = json.dumps(STORED)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.bodies.append(json.loads(body or b"null"))
                status = outer.statuses.pop(0) if outer.statuses else 200
                if status == LOST:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                if outer.retry_after is not None and status != 200:
                    self.send_header("Retry-After", outer.retry_after)
                problem = {"type": "about:blank", "title": "Failed", "status": status, "detail": "try again"}
                self.send_header(
                    "Content-Type", "application/json" if status == 200 else "application/problem+json"
                )
                self.end_headers()
                self.wfile.write((outer.answer if status == 200 else json.dumps(problem)).encode())

            def log_message(self, *_: object) -> None:
                """Keep the output of tests clean."""

        for method in ("GET", "POST", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def unsteady() -> Iterator[Unsteady]:
    service = Unsteady()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield service
    service.server.shutdown()
    service.server.server_close()
    thread.join()


@pytest.mark.parametrize("statuses", [[503, 429], [LOST, 503], [LOST, LOST]], ids=str)
def test_events_are_sent_again_with_the_same_ids(unsteady: Unsteady, name: str, statuses: list[int]) -> None:
    unsteady.statuses = [*statuses]
    with client(name, unsteady.address) as call:
        assert call("events", [{"reader": "r", "kind": "click", "article": "a"}] * 2) == STORED
    first, second, third = unsteady.bodies
    assert first == second == third
    ids = {event["id"] for event in first["events"]}
    assert len(ids) == 2
    assert all(len(id_) == 32 for id_ in ids)


def test_an_id_that_is_given_is_kept(unsteady: Unsteady, name: str) -> None:
    with client(name, unsteady.address) as call:
        call("events", [{"id": "e1", "reader": "r", "kind": "click", "article": "a"}])
    assert unsteady.bodies[0]["events"][0]["id"] == "e1"


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_service_names_is_kept(unsteady: Unsteady, name: str, status: int) -> None:
    unsteady.statuses, unsteady.retry_after = [status], "1"
    with client(name, unsteady.address) as call:
        began = time.monotonic()
        call("export", "r")
        assert time.monotonic() - began >= 1
    assert len(unsteady.bodies) == 2


def test_a_pause_that_is_too_long_is_an_error_at_once(unsteady: Unsteady, name: str) -> None:
    unsteady.statuses, unsteady.retry_after = [429], "60"
    with client(name, unsteady.address) as call, pytest.raises(AttuneClientError) as found:
        call("export", "r")
    assert found.value.status == 429
    assert len(unsteady.bodies) == 1


def test_after_the_last_attempt_the_error_has_the_problem(unsteady: Unsteady, name: str) -> None:
    unsteady.statuses = [503] * 3
    with client(name, unsteady.address) as call, pytest.raises(AttuneClientError) as found:
        call("erase", "r")
    assert (found.value.status, found.value.problem["detail"]) == (503, "try again")
    assert len(unsteady.bodies) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_a_refusal_is_not_sent_again(unsteady: Unsteady, name: str, status: int) -> None:
    unsteady.statuses = [status]
    with client(name, unsteady.address) as call, pytest.raises(AttuneClientError) as found:
        call("articles", [])
    assert found.value.status == status
    assert len(unsteady.bodies) == 1


def test_a_feed_that_may_have_been_made_is_not_made_again(unsteady: Unsteady, name: str) -> None:
    unsteady.statuses = [LOST]
    with client(name, unsteady.address) as call, pytest.raises(AttuneClientError) as found:
        call("feed", "r")
    assert found.value.status == 0
    assert len(unsteady.bodies) == 1


def test_a_service_that_does_not_run_is_an_error_with_the_fix(name: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with client(name, f"http://127.0.0.1:{port}") as call, pytest.raises(AttuneClientError) as found:
        call("events", [{"reader": "r", "kind": "click", "article": "a"}])
    assert found.value.status == 0
    assert "check the address" in found.value.problem["detail"]


def test_an_answer_of_another_service_is_an_error(unsteady: Unsteady, name: str) -> None:
    unsteady.answer = "<html>Welcome to our intranet</html>"
    with client(name, unsteady.address) as call, pytest.raises(AttuneClientError) as found:
        call("export", "r")
    assert found.value.status == 200
    assert "intranet" in found.value.problem["detail"]
