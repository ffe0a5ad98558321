"""Erasing a reader: nothing of the id is left in any file, and no process still knows it."""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application.reader_data import erase_reader
from ingest import reject_privacy
from recsys.domain import Event, EventKind
from recsys.errors import StoreError
from recsys.frames import events_frame, slates_frame
from recsys.projection.log_follower import LogFollower
from recsys.store import erasure, event_log
from recsys.store.database import Database, opened
from tests.application import application
from tests.trained import HashEncoder, Place

WITHIN = 30.0


@pytest.fixture
def home(trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A world of 40 readers with a bundle."""
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    return trained.copy(tmp_path / "home")


def client_of(where: Place) -> TestClient:
    return TestClient(create_app(where.settings), raise_server_exceptions=False)


def use(client: TestClient, reader: str, rounds: int = 3) -> None:
    """Read the feed and do things, so that the reader is in every table, also among the rejects."""
    for turn in range(rounds):
        items = client.get(f"/v1/feed/{reader}").json()["items"]
        events = [{"reader": reader, "article": i["id"], "kind": "read", "value": 40 + turn} for i in items[:5]]
        assert client.post("/v1/events", json={"events": events}).json()["accepted"] == 5
    muted = client.put(f"/v1/readers/{reader}/preferences", json={"mute": ["sport"]})
    assert muted.json()["mute"] == ["sport"]


def reject(where: Place, reader: str) -> Path:
    """Reject files as ingest jobs leave them: JSON lines that quote lines of JSON and of CSV."""
    folder = where.home / "rejects" / "jsonl-1"
    folder.mkdir(parents=True)
    raws = [json.dumps({"reader": reader, "kind": "no"}), f"{reader};x;y", json.dumps({"reader": "other"})]
    lines = [json.dumps({"file": "f", "row": i, "kind": "events", "raw": raw}) for i, raw in enumerate(raws)]
    (folder / "000.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "000.jsonl"


def files_with(text: str, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def knows(client: TestClient, reader: str) -> bool:
    return client.app.state.application.feed.engine.state.readers.get(reader) >= 0  # type: ignore[attr-defined]


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_not_a_byte_of_the_id_is_left_anywhere(home: Place) -> None:
    victims = [secrets.token_hex(16) for _ in range(3)]
    with client_of(home) as first:
        for victim in victims:
            use(first, victim)
    rejects = reject(home, victims[0])
    (home.home / "state" / "0000000000000001.partial").write_bytes(victims[0].encode())
    assert {"attune.db", "000.jsonl", "0000000000000001.partial"} <= set(files_with(victims[0], home.home))
    assert any(name.endswith(".safetensors") for name in files_with(victims[0], home.home))
    with client_of(home) as one, client_of(home) as other:
        for victim in victims:
            use(one, victim)
            assert other.get(f"/v1/readers/{victim}/attention").json()["reads"]
        for victim in victims:
            receipt = one.delete(f"/v1/readers/{victim}").json()
            assert receipt["counts"]["events"] == 31
            assert receipt["counts"]["impressions"] >= 6
            assert not knows(one, victim)
            until(lambda victim=victim: not knows(other, victim))
        for victim in victims:
            assert files_with(victim, home.home) == []
        assert json.loads(rejects.read_text())["row"] == 2, "what names others stays"
    for victim in victims:
        assert files_with(victim, home.home) == [], "also after both wrote snapshots and stopped"
    assert list((home.home / "state").glob("*.safetensors"))


def test_the_state_is_then_that_of_a_log_without_the_reader(home: Place) -> None:
    victim = secrets.token_hex(16)
    with client_of(home) as client:
        requested = {"candidates": ["a000001", "a000002", "a000003"], "reader": "r00001"}
        before = client.post("/v1/rank", json=requested).json()["items"]
        use(client, victim)
        client.delete(f"/v1/readers/{victim}").raise_for_status()
        after = client.post("/v1/rank", json=requested).json()["items"]
        assert [item["id"] for item in after] == [item["id"] for item in before]
        assert client.get(f"/v1/readers/{victim}/attention").json()["reads"] == []
        kept = client.get(f"/v1/readers/{victim}/export").json()
        assert not any(kept["tables"].values())


def following(database: Database, home: Path) -> LogFollower:
    """A follower that knows of one click, of reader `r`."""
    with database.write() as connection:
        event_log.append_frames(
            connection,
            events_frame([Event(id="e", reader="r", kind=EventKind.CLICK, at=1, known_at=1, article="a")]),
            slates_frame([]),
        )
    follower = LogFollower(database, home / "state")
    follower.start()
    return follower


def test_a_snapshot_that_another_process_writes_later_is_not_kept(
    sqlite_database: Database, tmp_path: Path
) -> None:
    follower = following(sqlite_database, tmp_path)
    with sqlite_database.write() as connection:
        erasure.erase(connection, "r", 1)
    assert follower.save_snapshot() is None
    assert list((tmp_path / "state").iterdir()) == []
    follower.catch_up()
    assert follower.save_snapshot() is not None


def test_erasing_again_takes_away_what_an_erasure_that_was_broken_off_left(
    sqlite_database: Database, tmp_path: Path
) -> None:
    follower = following(sqlite_database, tmp_path)
    assert follower.save_snapshot() is not None
    with sqlite_database.write() as connection:  # and killed before it came to the files
        erasure.erase(connection, "r", 1)
    erase_reader(application(sqlite_database, tmp_path), "r", actor="cli")
    assert list((tmp_path / "state").iterdir()) == []


def test_a_snapshot_is_not_kept_when_nobody_knows_of_erasures(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = LogFollower(sqlite_database, tmp_path / "state")
    follower.start()

    def fail(_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(erasure, "last_seq", fail)
    assert follower.save_snapshot() is None
    assert list((tmp_path / "state").iterdir()) == []


def test_an_erasure_while_another_process_reads_the_old_log_is_an_error_and_can_be_repeated(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = secrets.token_hex(16)
    with client_of(home) as client:
        use(client, victim)
    monkeypatch.setattr("recsys.store.database._BUSY_MS", 50)
    with opened(home.settings.database_url) as database, closing(sqlite3.connect(home.home / "attune.db")) as slow:
        slow.execute("BEGIN")
        slow.execute("SELECT count(*) FROM events").fetchone()
        with pytest.raises(StoreError, match="erase the reader again"):
            erase_reader(application(database, home.home), victim, "cli")
        slow.rollback()
        erase_reader(application(database, home.home), victim, "cli")
        assert files_with(victim, home.home) == []


@pytest.mark.parametrize("reader", ["r1", 'a"b\\c', "é" * 9, "x" * 32])
def test_rejected_rows_are_found_in_any_form(tmp_path: Path, reader: str) -> None:
    folder = tmp_path / "rejects"
    (folder / "job").mkdir(parents=True)
    raws = [json.dumps({"reader": reader}), json.dumps({"reader": reader}, ensure_ascii=False), f"1;{reader};2"]
    others = [json.dumps({"reader": "r10"}), "1;other;2", "", "[]"]
    lines = [json.dumps({"raw": raw}, ensure_ascii=ascii_) for raw in raws for ascii_ in (True, False)]
    kept = [json.dumps({"raw": raw}) for raw in others]
    (folder / "job" / "0.jsonl").write_text("\n".join([*lines, *kept]) + "\n", encoding="utf-8")
    assert len(reject_privacy.rejected_rows_of(folder, reader)) == 4, "those that are objects"
    assert reject_privacy.erase_rejected_rows(folder, reader) == len(lines)
    assert (folder / "job" / "0.jsonl").read_text().splitlines() == kept
    assert reject_privacy.erase_rejected_rows(folder, reader) == 0
