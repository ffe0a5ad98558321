"""A log that must be folded again while its archive cannot be read: the state so far answers meanwhile."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application.reader_data import erase_reader
from recsys.domain import DAY, Event, EventKind
from recsys.errors import StoreError
from recsys.frames import events_frame
from recsys.projection.background_fold import BackgroundFold
from recsys.projection.full_fold import FoldedLog, FoldStoppedError, fold_in_pieces
from recsys.projection.log_follower import LogFollower
from recsys.projection.log_replay import Replay
from recsys.state.live_state import LiveState
from recsys.state.log_batch import LogBatch
from recsys.state.snapshot import Watermark
from recsys.store import erasure, event_log
from recsys.store.database import Database
from recsys.store.tables import events, impressions
from tests.application import application
from tests.archived import archive
from tests.trained import HashEncoder, Place, last_day, populated, world
from tests.unit.state.logs import assert_same

WITHIN = 20.0


@pytest.fixture
def half(database_url: str, tmp_path: Path) -> Place:
    """The small world, archived but for its last day."""
    made = populated(tmp_path / "half", url=database_url)
    database = made.open()
    archive(database, tmp_path / "archive", last_day(), 1_000)
    database.close()
    return made


def click(id_: str, reader: str, known_at: int) -> Event:
    return Event(id=id_, reader=reader, kind=EventKind.CLICK, at=known_at, known_at=known_at, article="a000001")


def store(database: Database, *rows: Event) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(list(rows)), None)


def delete_rows(database: Database, reader: str) -> None:
    """Erase the rows of a reader in SQL, as an erasure does that need not read the archive."""
    with database.write() as connection:
        for table in (events, impressions):
            connection.execute(sa.delete(table).where(table.c.reader == reader))
        erasure.append_erasure(connection, reader, last_day() + 5 * DAY, {"events": 1})


def following(database: Database, patience: float = 0.05) -> LogFollower:
    follower = LogFollower(database, patience=patience)
    follower.start()
    return follower


def reads(follower: LogFollower, reader: str) -> int:
    return len(follower.state.history(reader))


def follow_until_current(follower: LogFollower) -> None:
    deadline = time.monotonic() + WITHIN
    while follower.stale:
        assert time.monotonic() < deadline, follower.failure
        time.sleep(0.05)
        follower.catch_up()


def test_late_rows_wait_and_newer_ones_are_folded_until_the_archive_is_back(half: Place, tmp_path: Path) -> None:
    database = half.open()
    follower, end = following(database), last_day() + 3 * DAY
    (tmp_path / "archive").rename(tmp_path / "away")
    store(database, click("late", "late reader", last_day() + 1), click("new", "new reader", end))
    follower.catch_up()
    assert follower.stale
    assert follower.save_snapshot() is None
    assert (reads(follower, "late reader"), reads(follower, "new reader")) == (0, 1)
    store(database, click("newer", "newer reader", end + 1))
    follower.catch_up()
    assert reads(follower, "newer reader") == 1
    while follower.failure is None:
        time.sleep(0.05)
    assert "of the archive is missing" in follower.failure
    (tmp_path / "away").rename(tmp_path / "archive")
    follow_until_current(follower)
    with database.read() as connection, Replay(connection) as replay:
        assert_same(follower.state, replay.advance(10**18))
    assert follower.failure is None
    database.close()


def test_a_stale_state_forgets_erased_readers_alone(half: Place, tmp_path: Path) -> None:
    database, end = half.open(), last_day() + 3 * DAY
    store(database, click("a", "erased", end), click("b", "erased and back", end), click("c", "other", end))
    follower = following(database)
    for reader in ("erased", "erased and back"):
        erase_reader(application(database, tmp_path), reader, "cli")
    store(database, click("d", "erased and back", end + 1))
    (tmp_path / "archive").rename(tmp_path / "away")
    follower.catch_up()
    assert follower.stale
    for reader in ("erased", "erased and back", "other"):
        follower.forget_if_erased(reader)
    assert [reads(follower, r) for r in ("erased", "erased and back", "other")] == [0, 0, 1]
    store(database, click("e", "erased and back", end + 2))
    follower.catch_up()
    follower.forget_if_erased("erased and back")  # nothing more to forget
    assert reads(follower, "erased and back") == 1
    delete_rows(database, "other")
    store(database, click("f", "other", end + 3))
    follower.catch_up()
    for reader in ("erased and back", "other"):
        follower.forget_if_erased(reader)
    assert [reads(follower, r) for r in ("erased", "erased and back", "other")] == [0, 0, 0]
    (tmp_path / "away").rename(tmp_path / "archive")
    follow_until_current(follower)
    assert [reads(follower, r) for r in ("erased", "erased and back", "other")] == [0, 1, 1]
    database.close()


class Disturbed(LiveState):
    """A state during whose fold something happens, after its first piece."""

    def __init__(self, happen: Callable[[], None]) -> None:
        super().__init__()
        self._happen: Callable[[], None] | None = happen

    def apply(self, batch: LogBatch) -> None:
        super().apply(batch)
        if self._happen is not None:
            self._happen, happen = None, self._happen
            happen()


@pytest.mark.parametrize("disturbance", ["late row", "erasure", "newer row", None])
def test_a_fold_in_pieces_ends_before_the_rows_that_disturb_it(
    tmp_path: Path, database_url: str, disturbance: str | None
) -> None:
    database = populated(tmp_path, url=database_url).open()
    first, end = int(world().events["known_at"].min()), last_day() + 3 * DAY  # type: ignore[arg-type]

    def happen() -> None:
        if disturbance == "erasure":
            erase_reader(application(database, tmp_path), "r00001", "cli")
        elif disturbance is not None:
            store(database, click("x", "x", first if disturbance == "late row" else end))

    with database.read() as connection:
        before = event_log.position(connection).last_seq
    folded = fold_in_pieces(database, lambda _: (Disturbed(happen), Watermark()), threading.Event(), rows=100)
    expected = before + (disturbance == "newer row")
    assert folded.watermark.seq == expected
    if disturbance in ("newer row", None):
        with database.read() as connection, Replay(connection) as replay:
            assert_same(folded.state, replay.advance(10**18))
        assert folded.watermark.known_at == folded.state.known_at
    database.close()


def test_a_fold_that_fails_is_tried_again_and_one_that_is_stopped_ends() -> None:
    folded, attempts = FoldedLog(LiveState(), Watermark(), saved_seq=0, revision=0), 0

    def fold(_: threading.Event) -> FoldedLog:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise OSError("no space left")
        return folded

    working = BackgroundFold(fold)
    assert working.result(WITHIN) is folded
    assert (attempts, working.failure) == (2, "no space left")

    def fail(_: threading.Event) -> FoldedLog:
        raise StoreError("gone")

    failing = BackgroundFold(fail)
    failing.stop()
    assert failing.result() is None
    assert "fold" not in [thread.name for thread in threading.enumerate()]


def test_a_fold_in_pieces_stops_between_two_of_them(sqlite_database: Database) -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(FoldStoppedError):
        fold_in_pieces(sqlite_database, lambda _: (LiveState(), Watermark()), stopping)


def test_feeds_are_degraded_while_the_archive_is_away(
    half: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    reader, database = world().readers.ids[3], half.open()
    with TestClient(create_app(half.settings)) as client:

        def degraded() -> tuple[bool, bool]:
            """In the body of a feed, and in its header, which is written later."""
            answer = client.get(f"/v1/feed/{reader}").raise_for_status()
            assert answer.json()["items"]
            return answer.json()["degraded"], answer.headers.get("X-Attune-Degraded") == "true"

        def wait_for(condition: Callable[[], bool]) -> None:
            deadline = time.monotonic() + WITHIN
            while not condition():
                assert time.monotonic() < deadline
                time.sleep(0.05)

        assert degraded() == (False, False)
        (tmp_path / "archive").rename(tmp_path / "away")
        store(database, click("late", "late reader", last_day() + 1))
        assert degraded() == (True, True)
        wait_for(lambda: client.get("/readyz").json()["status"] == "impaired")  # the first attempt failed
        assert "attune_stale 1.0\n" in client.get("/metrics").text
        posted = {"reader": reader, "article": "a000001", "kind": "click"}
        client.post("/v1/events", json={"events": [posted]}).raise_for_status()
        opened = client.get(f"/v1/readers/{reader}/attention").json()["reads"]
        assert "a000001" in [read["article"] for read in opened]
        client.put(f"/v1/readers/{reader}/preferences", json={"mute": ["sport"]}).raise_for_status()
        live = client.app.state.application.feed.live  # type: ignore[attr-defined]
        assert live.preferences.of(reader, 10**18).mute == {"sport"}
        delete_rows(database, reader)
        assert client.get(f"/v1/readers/{reader}/attention").json()["reads"] == []
        assert not live.preferences.of(reader, 10**18).mute
        (tmp_path / "away").rename(tmp_path / "archive")
        wait_for(lambda: degraded() == (False, False))
        assert client.get("/readyz").json()["status"] == "ready"
        assert client.get("/v1/readers/late reader/attention").json()["reads"]
    database.close()
