"""The archive of the log: what is read from it, what stays in SQL, what a kill leaves, and erasure."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import Event, EventKind, Slate
from recsys.errors import ConfigError, DataError, StoreError
from recsys.frames import events_frame, slates_frame
from recsys.projection.log_follower import LogFollower
from recsys.state import snapshot
from recsys.store import (
    archive_folder,
    archive_rewrite,
    archive_turns,
    bulk_insert,
    erasure,
    event_log,
    event_log_reader,
    experiments,
    explicit_preferences,
    log_archive,
    log_archiver,
    log_outbox,
    reader_export,
    reader_rows,
    reading_totals,
)
from recsys.store.amended_values import RowOutcome
from recsys.store.archive_turns import Turn
from recsys.store.database import Connection, Database, open_database
from recsys.store.event_log_reader import Key
from recsys.store.log_contents import click_span, log_contents
from recsys.store.logged_propensities import logged_propensities
from recsys.store.made_slates import made_slates
from recsys.store.tables import READER_TABLES
from tests.archived import END, answer, archive, are_equal, chunks, fill, random_rows, rows_in_sql
from tests.migrated import sqlite_url

HALF = END // 2
QUERIES: dict[str, Callable[[Connection], Any]] = {
    "contents": log_contents,
    "contents until": partial(log_contents, until=HALF // 2),
    "clicks": click_span,
    "slates": event_log_reader.slate_span,
    "made": lambda c: made_slates(c, 0, END, END).sort("id").rows(),
    "made early": lambda c: made_slates(c, 100, HALF, HALF).sort("id").rows(),
    "propensities": lambda c: logged_propensities(c, 100, END).sort("id").rows(),
    "preferences": lambda c: explicit_preferences.load(c, "x", END),
    "seen": lambda c: [reader_rows.seen_articles(c, r, at) for r in "xyz" for at in (1, 200, HALF, END)],
    "late": lambda c: [event_log_reader.first_key(c, seq) for seq in range(0, 100, 9)],
    "outbox": lambda c: [log_outbox.rows_after(c, seq, 8) for seq in range(0, 100, 5)],
    "export": lambda c: [reader_export.export(c, r) for r in "xyz"],
}


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database, random_rows(1))
    return database


@pytest.mark.parametrize("until", [1, HALF, END + 1])
def test_each_query_of_the_log_finds_the_same_with_an_archive(
    filled: Database, tmp_path: Path, until: int
) -> None:
    before = {name: answer(filled, query) for name, query in QUERIES.items()}
    archive(filled, tmp_path / "archive", until)
    assert {name: answer(filled, query) for name, query in QUERIES.items()} == before


@settings(max_examples=10)
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, END + 1), min_size=1, max_size=3),
    st.integers(1, 40),
    st.integers(1, 30),
)
def test_a_stream_has_the_same_chunks_however_the_log_is_archived(
    tmp_path_factory: pytest.TempPathFactory, seed: int, untils: list[int], file_rows: int, batch_rows: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    database = open_database(sqlite_url(folder))
    fill(database, random_rows(seed))
    bounds = [(None, None), (Key(untils[0], "e3"), None), (None, untils[-1]), (Key(100, ""), 600)]
    before = [chunks(database, *bound, batch_rows) for bound in bounds]
    for until in untils:
        archive(database, folder / "archive", until, file_rows)
        assert all(are_equal(chunks(database, *b, batch_rows), was) for b, was in zip(bounds, before, strict=True))
    database.close()


def test_a_stream_is_the_same_on_each_database(filled: Database, tmp_path: Path) -> None:
    before = chunks(filled)
    for until in (200, HALF, HALF, 900):
        archive(filled, tmp_path / "archive", until)
        assert are_equal(chunks(filled), before)


def test_months_are_folders_and_files_are_bounded(database: Database, tmp_path: Path) -> None:
    january, february = 1_767_225_600_000_000, 1_769_904_000_000_000  # of 2026
    times = [january, january + 1, february - 1, february, february + 5]
    rows = [Event(id=f"e{t}", reader="x", kind=EventKind.CLICK, at=t, known_at=t, article="a") for t in times]
    fill(database, (rows, []))
    files = archive(database, tmp_path, february + 5, file_rows=2)
    assert [(Path(f.path).parent.name, f.rows) for f in files] == [
        ("month=2026-01", 2),
        ("month=2026-01", 1),
        ("month=2026-02", 1),
    ]
    assert rows_in_sql(database) == 1
    assert pl.read_parquet(files[0].path)["id"].to_list() == [f"e{january}", f"e{january + 1}"]


def test_rows_that_requests_need_at_once_stay_in_sql(filled: Database, tmp_path: Path) -> None:
    archive(filled, tmp_path, END + 1)
    with filled.read() as connection:
        left = event_log_reader.tail(connection, 0)
    stay = [e for e in random_rows(1)[0] if e.kind is EventKind.FOLLOW or e.id.startswith("gorse:")]
    assert left.events
    assert {e.id for e in left.events} <= {e.id for e in stay}
    quoted = {(e.request_id, e.reader) for e in stay}
    was = {slate.id: slate for slate in random_rows(1)[1]}
    for slate in left.slates:
        assert (was[slate.id].session or "").startswith("write-back") or (slate.id, slate.reader) in quoted


def test_the_archived_part_takes_no_new_rows_and_names_the_reason(filled: Database, tmp_path: Path) -> None:
    archive(filled, tmp_path, HALF)
    old = Event(id="old", reader="x", kind=EventKind.CLICK, at=HALF - 1, known_at=END, article="a")
    new = Event(id="new", reader="x", kind=EventKind.CLICK, at=HALF, known_at=END, article="a")
    kept = Event(id="kept", reader="x", kind=EventKind.MUTE, at=HALF - 1, known_at=END, subject="sport")
    slate = Slate(id="late", reader="x", at=HALF - 1, known_at=END, candidates=("a",))
    with filled.write() as connection:
        end = event_log.lock(connection)
        assert end.archived_until == HALF
        appended = event_log.append_rows(connection, [old, new, kept], [slate], end)
        assert appended.events == [RowOutcome.CLOSED, RowOutcome.STORED, RowOutcome.STORED]
        assert appended.last_seq == end.last_seq + 2
        again = event_log.append_frames(connection, events_frame([old, new, kept]), slates_frame([slate]))
    assert (again.events_stored, again.events_duplicate, again.slates_stored) == (0, 2, 0)
    assert again.events_closed["id"].to_list() == ["old"]
    assert again.slates_closed["id"].to_list() == ["late"]


def test_a_row_that_is_archived_is_not_stored_again(filled: Database, tmp_path: Path) -> None:
    before = chunks(filled)
    archive(filled, tmp_path, HALF)
    fill(filled, random_rows(1))
    assert are_equal(chunks(filled), before)


STEPS: dict[str, tuple[object, str]] = {
    "before the file is written": (archive_folder, "write"),
    "before the file is read back": (archive_folder, "read"),
    "before the rows are deleted": (event_log, "lock"),
    "while the rows are deleted": (bulk_insert, "stage"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("calls", [0, 1, 3])
def test_a_run_that_is_killed_loses_and_doubles_nothing(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    before, folder = chunks(filled), tmp_path / "archive"
    module, name = STEPS[step]
    work, count = getattr(module, name), 0

    def dies(*args: object) -> object:
        nonlocal count
        count += 1
        if count > calls:
            raise KeyboardInterrupt
        return work(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with pytest.raises(KeyboardInterrupt):
            archive(filled, folder, HALF, file_rows=2)
    assert are_equal(chunks(filled), before)
    archive(filled, folder, HALF)
    assert are_equal(chunks(filled), before)
    recorded = {file.path for file in answer(filled, log_archive.all_files)}
    assert {str(path) for path in folder.rglob("*.parquet")} == recorded
    assert not answer(filled, log_archive.leftovers)


def test_a_second_run_at_once_is_refused(filled: Database, tmp_path: Path) -> None:
    first = log_archiver.archive(filled, str(tmp_path), HALF, 7)
    next(first)
    with pytest.raises(StoreError, match="another process changes the archive"):
        archive(filled, tmp_path, HALF)
    rest = list(first)
    assert rest
    assert archive(filled, tmp_path, HALF) == []


def test_an_erasure_may_come_between_the_files_of_a_run(filled: Database, tmp_path: Path) -> None:
    run = log_archiver.archive(filled, str(tmp_path), END, 7)
    next(run)
    erase(filled, "x")
    assert list(run)
    assert not any((chunk.events["reader"] == "x").any() for chunk in chunks(filled))
    for path in tmp_path.rglob("*.parquet"):
        assert "x" not in pl.read_parquet(path)["reader"].to_list()


def test_rows_that_are_erased_while_their_file_is_written_are_in_no_file(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a process that does not wait for its turn: the count of the deleted rows shows it."""
    write, writes = archive_folder.write, 0

    def after_a_deletion(path: str, content: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == 1:
            with filled.write() as connection:
                connection.execute(READER_TABLES["events"].table.delete().where(READER_TABLES["events"] == "x"))
        write(path, content)

    monkeypatch.setattr(archive_folder, "write", after_a_deletion)
    archive(filled, tmp_path, END)
    assert not any((chunk.events["reader"] == "x").any() for chunk in chunks(filled))


def erase(database: Database, reader: str) -> erasure.Receipt:
    with archive_turns.held(database, Turn.FILES, 5.0):
        rewritten = archive_rewrite.prepare(database, reader)
        with database.write() as connection:
            receipt = erasure.erase(connection, reader, 5, rewritten)
        archive_rewrite.finish(database)
    return receipt


def test_erasure_rewrites_the_files_and_its_receipt_counts_their_rows(filled: Database, tmp_path: Path) -> None:
    exported = answer(filled, lambda c: reader_export.export(c, "x"))
    others = [answer(filled, lambda c, r=r: reader_export.export(c, r)) for r in "yz"]  # type: ignore[misc]
    archive(filled, tmp_path, 900)
    receipt = erase(filled, "x")
    assert receipt.is_about("x")
    assert receipt.counts == {name: len(rows) for name, rows in exported.items()}
    assert answer(filled, lambda c: reader_export.export(c, "x")) == {name: [] for name in exported}
    assert [answer(filled, lambda c, r=r: reader_export.export(c, r)) for r in "yz"] == others  # type: ignore[misc]
    assert answer(filled, lambda c: reader_rows.seen_articles(c, "x", END)) == set()
    files = answer(filled, log_archive.all_files)
    assert {str(path) for path in tmp_path.rglob("*.parquet")} == {file.path for file in files}
    assert all("x" not in log_archive.read(file)["reader"].to_list() for file in files)
    assert not answer(filled, log_archive.leftovers)


def test_an_erasure_that_does_not_know_the_archive_deletes_nothing(filled: Database, tmp_path: Path) -> None:
    archive(filled, tmp_path, 900)
    before = chunks(filled)
    with pytest.raises(StoreError, match="erase the reader again"), filled.write() as connection:
        erasure.erase(connection, "x", 5)
    assert are_equal(chunks(filled), before)


def test_files_that_an_interrupted_erasure_replaced_are_deleted_by_the_next(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(filled, tmp_path, 900)

    def fails(path: str) -> None:
        raise StoreError(f"cannot delete {path}")

    with monkeypatch.context() as patch:
        patch.setattr(archive_folder, "delete", fails)
        with pytest.raises(StoreError, match="cannot delete"):
            erase(filled, "x")
    assert answer(filled, log_archive.leftovers)
    assert not any(erase(filled, "x").counts.values())
    for path in tmp_path.rglob("*.parquet"):
        assert "x" not in pl.read_parquet(path)["reader"].to_list()


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_file_stops_every_reading_with_its_name(filled: Database, tmp_path: Path, damage: str) -> None:
    file = Path(archive(filled, tmp_path, 900)[0].path)
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[:-1] if damage == "cut" else content[:-9] + b"x" + content[-8:])
    with pytest.raises(StoreError, match=file.name):
        chunks(filled)


def test_figures_that_only_sql_can_compute_refuse_the_archived_part(filled: Database, tmp_path: Path) -> None:
    archive(filled, tmp_path, HALF)
    refused: list[Callable[[Connection], Any]] = [
        lambda c: experiments.outcomes(c, HALF - 1, 600.0),
        lambda c: experiments.shadow_outcomes(c, HALF - 1),
        lambda c: experiments.interleaved_outcomes(c, HALF - 1),
        lambda c: experiments.reading_before(c, END, 1, 600.0),
        lambda c: reading_totals.readers(c, HALF - 1, END),
        lambda c: reading_totals.sections(c, HALF - 1, END),
        lambda c: reading_totals.top_articles(c, HALF - 1, END, 3),
    ]
    for each in refused:
        with pytest.raises(DataError, match="is archived"):
            answer(filled, each)
    assert answer(filled, lambda c: reading_totals.readers(c, HALF, END)) == 3


def test_a_follower_keeps_its_place_and_one_that_lacks_archived_rows_folds_again(
    filled: Database, tmp_path: Path
) -> None:
    done, behind = LogFollower(filled, tmp_path / "snapshots"), LogFollower(filled)
    done.start()
    assert done.save_snapshot() is not None
    behind.start()
    late = Event(id="late", reader="x", kind=EventKind.CLICK, at=3, known_at=3, article="b")
    fill(filled, ([late], []))
    done.catch_up()
    archive(filled, tmp_path / "archive", HALF)
    mark = done.watermark
    assert done.catch_up() == mark.seq
    assert done.watermark == mark
    behind.catch_up()
    fresh = LogFollower(filled, tmp_path / "snapshots")  # its snapshot lacks the row
    fresh.start()
    assert behind.watermark == fresh.watermark == mark
    assert state_of(behind) == state_of(fresh) == state_of(done)


def state_of(follower: LogFollower) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **snapshot.copy_state(follower.state, follower.watermark).arrays)
    return buffer.getvalue()


def test_an_archive_can_lie_at_any_address_of_fsspec(filled: Database) -> None:
    before = chunks(filled)
    files = archive(filled, "memory://bucket/attune/", HALF)
    assert files[0].path.startswith("memory://bucket/attune/events/month=1970-01/")
    assert are_equal(chunks(filled), before)
    erase(filled, "x")
    assert all("x" not in log_archive.read(f)["reader"].to_list() for f in answer(filled, log_archive.all_files))


def test_a_folder_that_cannot_be_written_closes_no_part_of_the_log(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="cannot write"):
        archive(filled, tmp_path / "file" / "archive", HALF)
    assert answer(filled, log_archive.until) == 0
    archive(filled, tmp_path / "archive", HALF)
    assert not answer(filled, log_archive.leftovers)
    assert not list(tmp_path.rglob("probe*"))


def test_an_address_that_nothing_knows_is_refused(filled: Database) -> None:
    with pytest.raises(ConfigError, match=r"attune-feed\[archive\]"):
        archive(filled, "nowhere://bucket", HALF)
    assert answer(filled, log_archive.until) == 0
