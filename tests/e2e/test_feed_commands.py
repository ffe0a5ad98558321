"""`attune ingest feed` and `attune poll` as people run them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from recsys.errors import AttuneError
from tests.web_server import WebServer, page, web_server

ITEM = "<item><link>/a</link><title>A</title></item>"
FEED = f"<rss version='2.0'><channel><title>Daily</title>{ITEM}</channel></rss>".encode()


@pytest.fixture(scope="module")
def running() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def server(running: WebServer) -> WebServer:
    running.pages.clear()
    running.pages["/feed"] = page(FEED)
    return running


def options(home: Path) -> list[str]:
    return ["--home", str(home), "--database-url", f"sqlite:///{home}/attune.db"]


def attune(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, *options(home)])


def test_a_feed_becomes_a_source_that_is_listed_read_and_removed(server: WebServer, tmp_path: Path) -> None:
    url = server.url("/feed?key=secret")
    server.pages["/feed?key=secret"] = page(FEED)
    added = attune(tmp_path, "ingest", "feed", url, "--allow-private", "--every", "5")
    assert added.exit_code == 0 and "1 stored" in added.stdout and "secret" not in added.stdout
    again = attune(tmp_path, "ingest", "feed", url, "--allow-private")
    assert again.exit_code == 0 and "stored" not in again.stdout.splitlines()[0]
    assert attune(tmp_path, "poll", "--once").exit_code == 0
    listed = attune(tmp_path, "poll", "--list").stdout
    assert url in listed and "works" in listed and "1 articles" in listed
    assert attune(tmp_path, "poll", "--remove", url).exit_code == 0
    assert isinstance(attune(tmp_path, "poll", "--remove", url).exception, AttuneError)
    assert "there is no source yet" in attune(tmp_path, "poll", "--list").stdout


def test_a_list_in_a_file_is_read_with_its_sources(server: WebServer, tmp_path: Path) -> None:
    (tmp_path / "list.opml").write_text(f'<opml><body><outline xmlUrl="{server.url("/feed")}"/></body></opml>')
    result = attune(tmp_path, "ingest", "feed", str(tmp_path / "list.opml"), "--allow-private")
    assert result.exit_code == 0 and "1 sources listed" in result.stdout and "1 stored" in result.stdout


def test_an_address_that_cannot_be_read_is_not_kept(server: WebServer, tmp_path: Path) -> None:
    result = attune(tmp_path, "ingest", "feed", server.url("/nothing"), "--allow-private")
    assert result.exit_code == 3 and "answers 404" in result.stderr
    refused = attune(tmp_path, "ingest", "feed", server.url("/feed"))
    assert refused.exit_code == 3 and "--allow-private" in refused.stderr
    assert "there is no source yet" in attune(tmp_path, "poll", "--list").stdout
    assert isinstance(attune(tmp_path, "ingest", "feed", str(tmp_path / "none.xml")).exception, AttuneError)


def test_polling_reads_what_is_due_and_ends_on_sigterm(server: WebServer, tmp_path: Path) -> None:
    assert attune(tmp_path, "ingest", "feed", server.url("/feed"), "--allow-private").exit_code == 0
    command = [sys.executable, "-m", "api.cli", "poll", "--allow-private", *options(tmp_path)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("polling")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
