"""`attune serve` as operators meet it: before any training, killed, restarted, misconfigured."""

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.errors import AttuneError
from recsys.store import articles
from tests.serving import PATIENCE, Server, environment, served
from tests.trained import Place, place, quick_settings

pytestmark = pytest.mark.xdist_group("served")

ARTICLES = [
    {"id": "tram", "title": "Council approves new tram line", "category": "local", "word_count": 400},
    {"id": "cup", "title": "Late goal decides the cup final", "category": "sport"},
    {"id": "bus", "title": "Night buses return to the old town", "category": "local"},
]


def feed(client: httpx.Client, reader: str, **requested: Any) -> list[dict[str, Any]]:
    return list(client.get(f"/v1/feed/{reader}", params=requested).raise_for_status().json()["items"])


def feed_of(count: int, client: httpx.Client, reader: str, **requested: Any) -> list[dict[str, Any]]:
    """Wait until so many articles are in the feed."""
    deadline = time.monotonic() + PATIENCE
    while len(items := feed(client, reader, **requested)) < count:
        assert time.monotonic() < deadline, "the articles did not come into the feed"
        time.sleep(0.1)
    return items


def test_from_an_empty_folder_to_explained_feeds_and_over_a_restart(tmp_path: Path) -> None:
    where = place(tmp_path)
    (tmp_path / "attune.db").unlink()
    with served(where) as client:
        assert feed(client, "r") == []
        client.post("/v1/articles", json={"articles": ARTICLES}).raise_for_status()
        items = feed_of(3, client, "r", explore=0)
        event = {"reader": "r", "article": "tram", "kind": "read", "value": 80}
        client.post("/v1/events", json={"events": [event]}).raise_for_status()
        items = feed(client, "r", explore=0)
        assert [item["id"] for item in items] == ["bus", "cup"]
        assert items[0]["reasons"][0]["text"] == "Because you read: Council approves new tram line"
        ranked = client.post("/v1/rank", json={"candidates": ["cup", "bus"], "history": ["tram"]}).json()["items"]
        assert [item["id"] for item in ranked] == ["bus", "cup"]
    assert list((tmp_path / "state").glob("*.safetensors"))
    with served(where) as client:
        assert [item["id"] for item in feed(client, "r", explore=0)] == ["bus", "cup"]
    logged = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines()]
    assert {line["route"] for line in logged if line["message"] == "request"} >= {"/v1/feed/{reader}", "/readyz"}
    assert not [line for line in logged if "error" in line]


def test_after_an_erasure_no_file_of_the_server_has_a_byte_of_the_id(tmp_path: Path, tiny_encoder: Path) -> None:
    reader = secrets.token_hex(16)
    with served(place(tmp_path, quick_settings(tiny_encoder))) as client:
        client.post("/v1/articles", json={"articles": ARTICLES}).raise_for_status()
        feed_of(1, client, reader)
        event = {"reader": reader, "article": "tram", "kind": "read", "value": 80}
        client.post("/v1/events", json={"events": [event, {**event, "kind": "none"}]}).raise_for_status()
        client.put(f"/v1/readers/{reader}/preferences", json={"mute": ["sport"]}).raise_for_status()
        client.get(f"/v1/feed/{reader}?limit={reader}")
        client.get(f"/{reader}")
        assert any(reader.encode() in path.read_bytes() for path in tmp_path.rglob("*.db*"))
        receipt = client.delete(f"/v1/readers/{reader}").raise_for_status().json()
        assert receipt["counts"]["events"] == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"attune.db", "server.log"} <= {path.name for path in files}
    assert [path for path in files if reader.encode() in path.read_bytes()] == []


def test_a_language_that_the_encoder_does_not_read_is_one_line_of_the_log(tmp_path: Path) -> None:
    where = place(tmp_path)
    database = where.open()
    with database.write() as connection:
        articles.upsert(connection, pl.DataFrame([{"id": "a", "title": "Live", "language": "da-DK"}]))
    database.close()
    server = Server(where)
    server.start()  # it need not get ready
    server.stop()
    logged = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines()]
    (line,) = [line for line in logged if "of the articles are" in line["message"]]
    assert line["level"] == "warning"
    assert line["message"] == (
        "100% of the articles are Danish; the encoder in use (minilm) reads English: "
        "set ATTUNE_ENCODER to 'intfloat/multilingual-e5-small'"
    )


def start(where: Place, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "serve", "--port", "1", *options],
        cwd=where.home,
        env=environment(where),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_database_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = start(place(tmp_path), "--database-url", "postgresql+psycopg://nobody:secret@127.0.0.1:1/none")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("attune: cannot ")
    assert "postgresql+psycopg://nobody:***@127.0.0.1:1/none" in done.stderr
    assert "secret" not in done.stderr


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `attune serve` in this process, and returns the error that ends it."""

    def serve(where: Place, *options: str) -> str:
        given = environment(where)
        with pytest.raises(AttuneError) as ended:
            CliRunner().invoke(app, ["serve", "--port", "1", *options], env=given, catch_exceptions=False)
        return str(ended.value)

    return serve


def test_a_bundle_of_another_encoder_is_an_error(
    trained: Place, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert "ATTUNE_ENCODER" in refused(trained.copy(tmp_path / "copy"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "feed.example.org", ""])
def test_an_address_that_others_reach_is_refused_before_the_first_key(
    tmp_path: Path, refused: Callable[..., str], host: str
) -> None:
    assert "`attune keys create`" in refused(place(tmp_path), "--host", host)


def test_a_port_in_use_is_one_line_that_names_the_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start(place(tmp_path), "--port", str(port))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"attune: cannot listen on port {port} of 127.0.0.1")
    assert "--port" in done.stderr
