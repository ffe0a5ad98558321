"""Log → state through a real database: snapshots, tails, rows that come late, and questions about the past."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, HOUR, Event, EventKind, RankRequest, Slate
from recsys.feed.engine import FeedEngine
from recsys.frames import events_frame, slates_frame
from recsys.projection.full_fold import FoldStart
from recsys.projection.log_follower import LogFollower
from recsys.projection.log_replay import Replay
from recsys.projection.snapshot_store import KEEP
from recsys.projection.vector_table import align_vectors
from recsys.simulate.world import World, simulate
from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from recsys.store import articles, event_log
from recsys.store.database import Connection, Database, open_database
from recsys.store.event_log_reader import Key
from tests.unit.state.logs import assert_same

ROUNDING = 1e-12


@cache
def world() -> World:
    return simulate(readers=40, articles=60, days=2, seed=3)


def middle() -> int:
    return int(world().slates["known_at"].median())  # type: ignore[arg-type]


def known(before: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and slates of the first or of the second half of the world."""
    part = pl.col("known_at") < middle()
    return world().events.filter(part if before else ~part), world().slates.filter(part if before else ~part)


def store(database: Database, events: pl.DataFrame, slates: pl.DataFrame) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, events, slates)


def store_articles(database: Database, frame: pl.DataFrame) -> None:
    with database.write() as connection:
        articles.upsert(connection, frame)


def replayed(database: Database) -> LiveState:
    with database.read() as connection, Replay(connection) as replay:
        return replay.advance(10**18)


def following(database: Database, folder: Path | None = None) -> LogFollower:
    follower = LogFollower(database, folder)
    follower.start()
    return follower


@pytest.fixture
def half(database: Database) -> Database:
    """The articles and the first half of the log."""
    store_articles(database, world().articles)
    store(database, *known(before=True))
    return database


def test_following_step_by_step_equals_replaying_at_once(half: Database) -> None:
    follower = following(half)
    later_events, later_slates = known(before=False)
    for day in (middle() + 6 * HOUR, 10**18):
        part = (pl.col("known_at") < day) & (pl.col("known_at") >= day - 10**18)
        store(half, later_events.filter(part), later_slates.filter(part))
        follower.catch_up()
    assert_same(follower.state, replayed(half))


def test_a_snapshot_and_the_tail_equal_a_full_replay(half: Database, tmp_path: Path) -> None:
    following(half, tmp_path).save_snapshot()
    store(half, *known(before=False))
    follower = following(half, tmp_path)
    assert_same(follower.state, replayed(half))
    with half.read() as connection:
        assert follower.watermark.seq == event_log.position(connection).last_seq


def test_older_rows_that_come_late_are_folded_where_they_belong(half: Database, tmp_path: Path) -> None:
    follower = following(half, tmp_path)
    follower.save_snapshot()
    store(half, *known(before=False))
    follower.catch_up()
    follower.save_snapshot()
    late = Event(
        id="late",
        reader="r00001",
        kind=EventKind.CLICK,
        at=middle() - DAY,
        known_at=middle() - DAY,
        article="a000001",
    )
    shown = Slate(
        id="late slate",
        reader="new reader",
        at=middle() - HOUR,
        known_at=middle() - HOUR,
        candidates=("a000001", "a000002"),
    )
    store(half, events_frame([late]), slates_frame([shown]))
    follower.catch_up()
    assert_same(follower.state, replayed(half))
    assert_same(following(half, tmp_path).state, replayed(half))


def test_rows_late_by_less_than_a_snapshot_restart_from_it(
    half: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = following(half, tmp_path)
    follower.save_snapshot()
    early = follower.watermark
    store(half, *known(before=False))
    follower.catch_up()
    late = Event(
        id="late",
        reader="r00001",
        kind=EventKind.CLICK,
        at=middle() + HOUR,
        known_at=middle() + HOUR,
        article="a000001",
    )
    store(half, events_frame([late]), slates_frame([]))
    started = _watch_starts(follower, monkeypatch)
    follower.catch_up()
    assert started == [early]
    assert_same(follower.state, replayed(half))


def _watch_starts(follower: LogFollower, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    seen: list[object] = []
    newest_valid = follower._snapshots.newest_valid

    def watched(before: Key | None) -> FoldStart:
        load = newest_valid(before)

        def watched_load(connection: Connection) -> tuple[LiveState, Watermark]:
            state, mark = load(connection)
            seen.append(mark)
            return state, mark

        return watched_load

    monkeypatch.setattr(follower._snapshots, "newest_valid", watched)
    return seen


def test_a_row_at_the_watermark_but_with_a_smaller_id_is_late_too(half: Database) -> None:
    follower = following(half)
    at = follower.watermark.known_at
    store(
        half,
        events_frame(
            [Event(id="!", reader="r00001", kind=EventKind.READ, at=at, known_at=at, article="a000001", value=9.0)]
        ),
        slates_frame([]),
    )
    follower.catch_up()
    assert follower.watermark.id != "!"
    assert_same(follower.state, replayed(half))


def test_a_long_tail_is_streamed(half: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = following(half)
    monkeypatch.setattr("recsys.projection.log_follower.LONG_TAIL", 10)
    store(half, *known(before=False))
    follower.catch_up()
    assert_same(follower.state, replayed(half))


def test_catching_up_with_nothing_new_changes_nothing(half: Database) -> None:
    follower = following(half)
    state, seq = follower.state, follower.watermark.seq
    assert follower.catch_up() == seq
    assert follower.state is state


def test_a_damaged_snapshot_only_makes_the_start_slower(half: Database, tmp_path: Path) -> None:
    path = following(half, tmp_path).save_snapshot()
    assert path is not None
    path.write_bytes(path.read_bytes()[:-100])
    assert_same(following(half, tmp_path).state, replayed(half))


def test_a_snapshot_of_another_database_is_left_alone(half: Database, tmp_path: Path) -> None:
    following(half, tmp_path / "state").save_snapshot()
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    slates = known(before=False)[1]
    again = pl.concat([slates.with_columns(id=pl.format("{}-{}", "id", pl.lit(i))) for i in range(9)])
    store(other, events_frame([]), again)
    assert_same(following(other, tmp_path / "state").state, replayed(other))
    other.close()


@pytest.mark.parametrize("foreign", ["another database", "another configuration", "damaged"])
def test_snapshots_with_higher_numbers_that_do_not_hold_stop_no_saving(
    half: Database, tmp_path: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    with monkeypatch.context() as patch:
        if foreign == "another configuration":
            patch.setattr("recsys.state.snapshot.VERSION", 0)
        kept = following(half, folder).save_snapshot()
    assert kept is not None
    content = kept.read_bytes()
    kept.unlink()
    for seq in range(1_000_000, 1_000_000 + KEEP + 1):
        (folder / f"{seq:016d}.safetensors").write_bytes(b"half" if foreign == "damaged" else content)
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    slates = known(before=False)[1]
    store(other, events_frame([]), slates.with_columns(id=pl.format("again-{}", "id")))
    follower = following(other, folder)
    assert follower.unsaved == follower.watermark.seq == slates.height
    path = follower.save_snapshot()
    assert follower.unsaved == 0
    assert list(folder.iterdir()) == [path]
    again = following(other, folder)
    assert again.unsaved == 0
    assert_same(again.state, replayed(other))
    other.close()


def test_a_snapshot_is_kept_though_others_with_higher_numbers_come_beside_it(
    half: Database, tmp_path: Path
) -> None:
    follower = following(half, tmp_path)
    for seq in range(1_000_000, 1_000_000 + KEEP):
        (tmp_path / f"{seq:016d}.safetensors").write_bytes(b"of another process")
    path = follower.save_snapshot()
    assert path is not None
    assert path.exists()


def test_only_the_newest_snapshots_are_kept(half: Database, tmp_path: Path) -> None:
    follower = following(half, tmp_path)
    for i in range(KEEP + 2):
        at = middle() + i
        store(
            half,
            events_frame(
                [Event(id=f"e{i}", reader="r", kind=EventKind.CLICK, at=at, known_at=at, article="a000001")]
            ),
            slates_frame([]),
        )
        follower.catch_up()
        follower.save_snapshot()
    names = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(names) == KEEP
    assert names[-1].startswith(f"{follower.watermark.seq:016d}")


def test_without_a_folder_no_snapshot_is_written(sqlite_database: Database) -> None:
    assert following(sqlite_database).save_snapshot() is None


def test_an_empty_log_is_followed_from_its_first_row(database: Database, tmp_path: Path) -> None:
    follower = following(database, tmp_path)
    follower.save_snapshot()
    store(database, *known(before=True))
    follower.catch_up()
    assert_same(follower.state, replayed(database))
    assert_same(following(database, tmp_path).state, replayed(database))


def test_a_state_with_changed_articles_equals_a_replay(half: Database, tmp_path: Path) -> None:
    follower = following(half, tmp_path)
    follower.save_snapshot()
    with half.read() as connection:
        before = articles.changes_since(connection, 0).revision
    first = world().articles.head(1)
    store_articles(half, first.with_columns(category=pl.lit("somewhere else"), title=pl.lit("New title")))
    with half.read() as connection:
        changes = articles.changes_since(connection, before)
    assert changes.upserted["id"].to_list() == first["id"].to_list()
    follower.state.upsert_articles(changes.upserted)
    for state in (follower.state, following(half, tmp_path).state):
        row = state.rows_of(first["id"].to_list())[0]
        assert state.catalog.titles[row] == "New title"
        assert_same(state, replayed(half), ROUNDING)
    with half.read() as connection:
        assert articles.changes_since(connection, changes.revision).upserted.is_empty()


def features_at(database: Database, times: list[int]) -> Iterator[np.ndarray]:
    """Features of some requests, computed while the log of `database` is replayed."""
    ids = world().articles["id"].to_list()[:30]
    with database.read() as connection, Replay(connection) as replay:
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(replay.articles.height, 8)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        engine = FeedEngine(state=replay.state, vectors=align_vectors(replay.state, replay.articles, vectors))
        for at in times:
            replay.advance(at)
            for reader in ("r00001", "r00007", "stranger"):
                yield engine.prepare(
                    RankRequest(request_id="q", as_of=at, candidates=(*ids, "unheard of"), reader=reader)
                )[1].features


def test_another_future_does_not_change_what_is_seen_now(half: Database, tmp_path: Path) -> None:
    """The future is dealt to other readers and articles, its times are shuffled, and readers are added."""
    now = middle()
    store(half, *known(before=False))
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    store_articles(other, world().articles)
    store(other, *known(before=True))
    events, slates = known(before=False)
    store(
        other,
        events.with_columns(
            pl.col("reader").shuffle(seed=1), pl.col("article").shuffle(seed=2), pl.col("known_at").shuffle(seed=3)
        ),
        slates.with_columns(pl.col("reader") + "x", pl.col("candidates").shuffle(seed=4)).head(20),
    )
    times = [now - 20 * HOUR, now - HOUR, now]
    for ours, theirs in zip(features_at(half, times), features_at(other, times), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other.close()


def test_replay_shows_only_what_was_known_before(half: Database) -> None:
    events, slates = known(before=True)
    with half.read() as connection, Replay(connection, until=middle() - HOUR) as replay:
        for at in (int(events["known_at"][10]), int(slates["known_at"][-20]), middle()):
            state = replay.advance(at)
            assert state.known_at < min(at, middle() - HOUR)
            shown = slates.filter(pl.col("known_at") < min(at, middle() - HOUR))
            counted = sum(state.exposures.rings.count(i) for i in range(len(state.readers)))
            assert counted == shown["candidates"].list.len().sum()


def test_clicks_before_a_time_are_counts_that_have_faded(sqlite_database: Database) -> None:
    at = 20_000 * DAY
    clicks = [
        Event(id=str(i), reader="r", kind=EventKind.CLICK, at=at + i, known_at=at + i, article="a")
        for i in range(3)
    ]
    store(sqlite_database, events_frame(clicks), slates_frame([]))
    with sqlite_database.read() as connection, Replay(connection) as replay:
        counted = replay.clicks_before(at + 7 * DAY)
        row = replay.state.articles.get("a")
    assert counted[row] == pytest.approx(1.5, rel=1e-6)
