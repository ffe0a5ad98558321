"""PostgreSQL goes away and comes back: callers are told to wait, and nobody has to do anything."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from tests.trained import HashEncoder, place

EVENT = {"id": "e", "reader": "r", "article": "a", "kind": "click"}


class Cable:
    """A TCP proxy that can be cut: open connections break, new ones are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()

    def mend(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener, self.port = listener, listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        assert self._listener is not None
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def cable(postgres_admin_url: str) -> Iterator[Cable]:
    url = sa.make_url(postgres_admin_url)
    if not url.host or not url.port:
        pytest.skip("this PostgreSQL listens on no TCP port, so it cannot be cut off")
    made = Cable(url.host, url.port)
    yield made
    made.cut()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_requests_wait_for_the_database_and_go_on_when_it_is_back(
    cable: Cable, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
    through = sa.make_url(database_url).set(host="127.0.0.1", port=cable.port)
    settings = place(tmp_path, url=through.render_as_string(hide_password=False)).settings
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.post("/v1/articles", json={"articles": [{"id": "a", "title": "A"}]}).raise_for_status()
        cable.cut()
        for answer in (client.post("/v1/events", json={"events": [EVENT]}), client.get("/v1/feed/r")):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/healthz").status_code == 200
        cable.mend()
        assert client.post("/v1/events", json={"events": [EVENT]}).json()["accepted"] == 1
        assert client.get("/v1/feed/r").status_code == 200
