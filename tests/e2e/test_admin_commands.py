"""`attune keys`, `audit` and `erase` as an operator runs them, and a server that knows of it."""

import json
import re
import shutil
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.application import key_tokens
from api.cli import app
from recsys.domain import DAY, Event, EventKind, Slate
from recsys.errors import BundleError, DataError, RequestError
from recsys.frames import events_frame, slates_frame
from recsys.models import bundle
from recsys.store import articles, event_log
from recsys.store.database import opened
from recsys.store.erasure import Receipt, is_stored
from tests.serving import served
from tests.trained import HashEncoder, Place, place


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path)


def attune(where: Place, *arguments: str) -> str:
    environment = {"ATTUNE_DATABASE_URL": where.settings.database_url}
    return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False).stdout


def test_a_key_is_shown_once_and_listed_without_its_secret(where: Place) -> None:
    assert "`attune keys create`" in attune(where, "keys", "list")
    reported = attune(where, "keys", "create", "--scope", "write", "--name", "the CMS")
    token = reported.split()[0]
    id_ = key_tokens.id_of(token)
    assert id_ is not None
    listed = attune(where, "keys", "list")
    assert re.fullmatch(rf"{id_}  write  created \S+Z  never used  valid  the CMS\n", listed)
    assert token not in listed
    assert attune(where, "keys", "revoke", id_) == f"key {id_} is revoked\n"
    assert re.search(r"never used  revoked \S+Z  the CMS", attune(where, "keys", "list"))


def test_quiet_prints_a_key_of_scope_read_and_nothing_else(where: Place) -> None:
    token = attune(where, "keys", "create", "--quiet").removesuffix("\n")
    assert f"{key_tokens.id_of(token)}  read " in attune(where, "keys", "list")


def test_a_site_key_is_listed_with_its_origins(where: Place) -> None:
    origins = ["--origin", "https://News.example:443", "--origin", "http://localhost:3000"]
    token = attune(where, "keys", "create", "--scope", "site", *origins, "--quiet").removesuffix("\n")
    listed = attune(where, "keys", "list")
    assert listed.startswith(f"{key_tokens.id_of(token)}  site   created ")
    assert listed.endswith("valid  https://news.example  http://localhost:3000\n")


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        (["--scope", "site"], "add --origin"),
        (["--scope", "write", "--origin", "https://news.example"], "leave out --origin"),
        *[
            (["--scope", "site", "--origin", origin], "is not an origin")
            for origin in ("*", "null", "https://a/b")
        ],
    ],
)
def test_wrong_origins_of_keys_are_refused_with_a_fix(where: Place, options: list[str], fix: str) -> None:
    with pytest.raises(RequestError, match=fix):
        attune(where, "keys", "create", *options)
    assert "no keys" in attune(where, "keys", "list")


def test_an_unknown_key_is_an_error_that_names_the_command(where: Place) -> None:
    with pytest.raises(RequestError, match="attune keys list"):
        attune(where, "keys", "revoke", "nobody")


def test_the_audit_has_who_did_what(where: Place) -> None:
    assert "no action" in attune(where, "audit")
    id_ = key_tokens.id_of(attune(where, "keys", "create", "--quiet").strip()) or ""
    attune(where, "keys", "revoke", id_)
    newest, oldest = attune(where, "audit").splitlines()
    assert newest.split()[1:] == ["cli", "key_revoked", id_]
    assert oldest.split()[1:] == ["cli", "key_created", id_]
    assert attune(where, "audit", "--last", "1").splitlines() == [newest]


def test_erasing_prints_a_receipt_that_is_about_the_reader_and_on_record(where: Place) -> None:
    reported = json.loads(attune(where, "erase", "r42", "--home", str(where.home)))
    assert reported.pop("rejects") == 0
    receipt = Receipt(**reported)
    assert receipt.is_about("r42")
    with opened(where.settings.database_url) as database, database.read() as connection:
        assert is_stored(connection, receipt)
    assert attune(where, "audit").split()[1:] == ["cli", "reader_erased", receipt.id]


def test_models_are_activated_and_rolled_back_on_record(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.encoder.lazy.LazyEncoder", lambda settings: HashEncoder())
    copied = trained.copy(tmp_path / "copy")
    (first,) = bundle.versions(copied.home)
    folder = copied.home / "bundles" / "second"
    shutil.copytree(copied.home / "bundles" / first, folder)
    reported = json.loads((folder / bundle.MANIFEST).read_text())
    (folder / bundle.MANIFEST).write_text(json.dumps({**reported, "version": "second"}))
    at = ("--home", str(copied.home))
    assert "second is active" in attune(copied, "models", "activate", "second", *at)
    assert f"{first} is active again" in attune(copied, "models", "rollback", *at)
    with pytest.raises(BundleError, match="no readable bundle"):
        attune(copied, "models", "activate", "third", *at)
    acts = [line.split()[1:] for line in attune(copied, "audit", "--last", "2").splitlines()]
    assert acts == [["cli", "model_rolled_back", first], ["cli", "model_activated", "second"]]


def test_pruning_keeps_the_newest_and_whatever_serves_or_is_on_trial(where: Place) -> None:
    def write(folder: Path) -> dict[str, str]:
        (folder / "weights").write_text("w")
        return {}

    for number in range(6):
        bundle.publish(where.home, f"v{number}", write)
    for version in ("v0", "v1"):
        bundle.activate(where.home, version)
    bundle.point(where.home, "CHALLENGER", json.dumps({"version": "v2", "share": 0.1, "shadow": 0.0}))
    at = ("--home", str(where.home))
    assert attune(where, "models", "prune", "--keep", "2", *at) == "1 bundles removed: v3\n"
    assert bundle.versions(where.home) == ["v0", "v1", "v2", "v4", "v5"]
    assert attune(where, "audit").split()[1:] == ["cli", "model_removed", "v3"]
    assert attune(where, "models", "prune", *at) == "0 bundles removed\n"


@pytest.mark.xdist_group("served")
def test_a_running_server_knows_of_a_new_key_and_of_a_revoked_one(where: Place) -> None:
    with served(where) as client:
        assert client.get("/v1/feed/r").status_code == 200
        token = attune(where, "keys", "create", "--quiet").strip()
        headers = {"Authorization": f"Bearer {token}"}
        _until(client, {}, 401)
        assert client.get("/v1/feed/r", headers=headers).status_code == 200
        attune(where, "keys", "revoke", key_tokens.id_of(token) or "")
        _until(client, headers, 401)
    assert token not in (where.home / "server.log").read_text()
    assert " used 20" in attune(where, "keys", "list")


def _until(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    deadline = time.monotonic() + 30
    while client.get("/v1/feed/r", headers=headers).status_code != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_withdrawn_article_stays_away_when_it_is_ingested_again_until_it_is_restored(
    where: Place, tmp_path: Path
) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text('{"id": "a", "title": "A"}\n{"id": "b", "title": "B"}\n')
    attune(where, "ingest", "jsonl", str(file))
    assert "is withdrawn" in attune(where, "articles", "withdraw", "a")
    with pytest.raises(RequestError, match="no article 'a' is shown"):
        attune(where, "articles", "withdraw", "a")
    file.write_text('{"id": "a", "title": "A new title"}\n')
    attune(where, "ingest", "jsonl", str(file))
    with opened(where.settings.database_url) as database, database.read() as connection:
        assert articles.upserted_since(connection, 0)[0]["id"].to_list() == ["b"]
    assert "is not withdrawn" in attune(where, "articles", "restore", "a")
    with opened(where.settings.database_url) as database, database.read() as connection:
        assert articles.get(connection, ["a"])["title"].to_list() == ["A new title"]
    with pytest.raises(RequestError, match="ingest it first"):
        attune(where, "articles", "restore", "nobody")


def test_a_trial_is_planned_from_the_lists_of_the_last_days(where: Place) -> None:
    with pytest.raises(DataError, match="no list that Attune showed"):
        attune(where, "models", "plan-trial")
    slates = [
        Slate(id=f"{day}-{reader}", reader=f"r{reader}", at=at, known_at=at, candidates=("a", "b"), model="m")
        for day in range(3)
        for reader in range(100)
        for at in [DAY * (1_000 + day)]
    ]
    clicks = [
        Event(
            id=slate.id,
            kind=EventKind.CLICK,
            reader=slate.reader,
            article="a",
            request_id=slate.id,
            at=slate.at + 1,
            known_at=slate.at + 1,
        )
        for slate in slates[::2]
    ]
    with opened(where.settings.database_url) as database, database.write() as connection:
        event_log.append_frames(connection, events_frame(clicks), slates_frame(slates))
    printed = attune(where, "models", "plan-trial", "--share", "0.5", "--effect", "0.9")
    rows = {cells[0]: cells[1:3] for line in printed.splitlines() if (cells := line.replace("│", " ").split())}
    assert rows["1"] == ["100", "100"]
    assert rows["2"] == ["100", "200"]
    assert "4" not in rows
    assert "a difference of 90.0% in articles opened: 1 days" in printed
    assert "too few readers" in attune(where, "models", "plan-trial", "--share", "0.9")
