"""Ids of readers stay outside: only pseudonyms are stored and returned."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from typer.testing import CliRunner

from api.cli import app
from ingest.pseudonyms import Pseudonyms
from tests.trained import Place
from tests.unit.api.conftest import MakeClient
from tests.unit.api.test_readers import ROWS, prefer, read, shown
from tests.unit.api.test_routes import wait_for
from tests.unit.ingest import ebnerd_tables

KEY = "a secret of the house"
ANNA = "anna@example.org"
HIDDEN = Pseudonyms(KEY).of(ANNA)


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    opened = serve(pseudonym_key=SecretStr(KEY))
    opened.post("/v1/articles", json={"articles": ROWS}).raise_for_status()
    wait_for(opened, len(ROWS))
    return opened


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_file_holds_the_id_whatever_a_client_sent(client: TestClient, where: Place) -> None:
    read(client, ANNA, "a0")
    prefer(client, ANNA, mute=["local"]).raise_for_status()
    client.get(f"/v1/feed/{ANNA}").raise_for_status()
    client.get(f"/v1/readers/{ANNA}/attention").raise_for_status()
    client.post("/v1/rank", json={"reader": ANNA, "candidates": ["a1"]}).raise_for_status()
    act = {"FeedbackType": "read", "UserId": ANNA, "ItemId": "a2", "Timestamp": "2024-02-01T00:00:00Z", "Value": 9}
    client.post("/api/feedback", json=[act]).raise_for_status()
    client.put("/api/feedback", json=[act]).raise_for_status()
    client.post("/api/user", json={"UserId": ANNA, "Labels": {}, "Comment": ""}).raise_for_status()
    client.get(f"/api/recommend/{ANNA}", params={"write-back-type": "read"}).raise_for_status()
    stored = files(where.home)
    assert HIDDEN.encode() in stored
    assert ANNA.encode() not in stored


def test_a_reader_is_the_same_on_every_way_in(client: TestClient) -> None:
    read(client, ANNA, "a0")
    act = {"FeedbackType": "read", "UserId": ANNA, "ItemId": "a2", "Timestamp": "2024-02-01T00:00:00Z", "Value": 9}
    client.post("/api/feedback", json=[act]).raise_for_status()
    prefer(client, ANNA, mute=["local"]).raise_for_status()
    assert shown(client, ANNA) == {"a4"}, "two were read, and what is local is muted"
    reported = client.get(f"/v1/readers/{ANNA}/attention").json()
    assert (reported["reader"], {each["article"] for each in reported["reads"]}) == (HIDDEN, {"a0", "a2"})
    assert client.get(f"/api/user/{ANNA}").json()["UserId"] == HIDDEN
    assert len(client.get(f"/api/user/{ANNA}/feedback").json()) == 2


def test_a_reader_is_exported_and_erased_by_the_id_that_clients_know(client: TestClient) -> None:
    read(client, ANNA, "a0")
    assert client.get(f"/v1/readers/{ANNA}/export").json()["tables"]["events"][0]["reader"] == HIDDEN
    receipt = client.delete(f"/v1/readers/{ANNA}").json()
    assert receipt["counts"]["events"] == 1
    assert client.get(f"/v1/readers/{ANNA}/export").json()["tables"]["events"] == []


def test_rows_of_a_file_and_of_a_client_are_of_one_reader(
    client: TestClient, where: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("PSEUDONYM_KEY", KEY),
        ("DATABASE_URL", where.settings.database_url),
        ("HOME", str(where.home)),
    ):
        monkeypatch.setenv(f"ATTUNE_{name}", value)
    file = tmp_path / "events.jsonl"
    rows = [
        {"reader": ANNA, "article": "a0", "kind": "read", "value": 60, "at": "2024-02-01T00:00:00Z"},
        {"id": "e2", "reader": ANNA, "kind": "click", "at": "2024-02-01T00:00:00Z"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(app, ["ingest", "jsonl", str(file)])
    assert result.exit_code == 0, result.output
    again = client.post("/v1/events", json={"events": rows[:1]}).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1), "ids made of a row are the same on every way in"
    assert "a0" not in shown(client, ANNA)
    assert not any(ANNA.encode() in path.read_bytes() for path in where.home.glob("attune.db*"))
    assert client.get(f"/v1/readers/{ANNA}/export").json()["rejected"], "reject files quote the input"
    erased = CliRunner().invoke(app, ["erase", ANNA])
    reported = json.loads(erased.output)
    assert (reported["counts"]["events"], reported["rejects"]) == (1, 1)
    assert ANNA.encode() not in files(where.home / "rejects")


def test_the_key_is_in_no_answer(monkeypatch: pytest.MonkeyPatch, new_key: Callable[..., str]) -> None:
    monkeypatch.setenv("ATTUNE_PSEUDONYM_KEY", KEY)
    assert KEY not in CliRunner().invoke(app, ["config"]).output


def test_a_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_PSEUDONYM_KEY", "short")
    result = CliRunner().invoke(app, ["config"])
    assert result.exit_code != 0
    assert "ATTUNE_PSEUDONYM_KEY" in str(result.exception)


def test_bad_ids_are_rejected_as_without_a_key(client: TestClient) -> None:
    good = {"reader": ANNA, "article": "a0", "kind": "click"}
    rows = [good, {**good, "reader": "\ud800"}, {**good, "reader": "x" * 3_000}, {**good, "reader": " "}]
    answer = client.post(
        "/v1/events", content=json.dumps({"events": rows}), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    assert [row["index"] for row in answer.json()["rejected"]] == [1, 2, 3]
    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize("source", ["mind", "ebnerd"])
def test_public_logs_are_stored_under_pseudonyms_too(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, reader = tmp_path / "data", "424242"
    folder.mkdir()
    if source == "mind":
        (folder / "news.tsv").write_text("N1\tnews\tlocal\tTitle\t\t\t[]\t[]\n")
        (folder / "behaviors.tsv").write_text(f"1\t{reader}\t11/15/2019 8:55:22 AM\tN1\tN2-1 N1-0\n")
    else:
        past = ebnerd_tables.history({int(reader): [(101, -60, 30.0, 80.0)]})
        ebnerd_tables.write(folder, ebnerd_tables.behaviours({"user_id": int(reader)}), past)
    for name, value in (
        ("PSEUDONYM_KEY", KEY),
        ("DATABASE_URL", f"sqlite:///{tmp_path / 'home' / 'attune.db'}"),
        ("HOME", str(tmp_path / "home")),
    ):
        monkeypatch.setenv(f"ATTUNE_{name}", value)
    result = CliRunner().invoke(app, ["ingest", source, str(folder)])
    assert result.exit_code == 0, result.output
    stored = files(tmp_path / "home")
    assert Pseudonyms(KEY).of(reader).encode() in stored
    assert reader.encode() not in stored
