"""Outbox of the log, on both databases: the order of appending, without gaps, from a saved position."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import Event, EventKind, Slate
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.store import archive_folder, archive_rewrite, archive_turns, erasure, log_archive, log_outbox
from recsys.store.archive_cursor import ArchiveCursor
from recsys.store.archive_turns import Turn
from recsys.store.database import Database, open_database
from recsys.store.log_outbox import Outbox, OutboxRow
from recsys.store.tables import events
from tests.archived import END, archive, fill, random_rows
from tests.migrated import sqlite_url


def mirrored(database: Database, outbox: Outbox, most: int, seq: int = 0) -> Iterator[list[OutboxRow]]:
    """Batches as a publisher reads them, each in a transaction of its own."""
    while True:
        with database.read() as connection:
            rows = outbox.rows_after(connection, seq, most)
        if not rows:
            return
        assert len(rows) <= most
        yield rows
        seq = rows[-1][0]


@pytest.fixture
def file_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Number of readings of each file of an archive."""
    counts: Counter[str] = Counter()
    read = archive_folder.read

    def counted(path: str) -> bytes:
        counts[path] += 1
        return read(path)

    monkeypatch.setattr(archive_folder, "read", counted)
    return counts


def append(database: Database, rows: list[str]) -> None:
    """Append events (e…) and slates (s…), one by one."""
    writer = LogWriter(database, Clock())
    for id_ in rows:
        if id_.startswith("s"):
            slate = Slate(id=id_, reader="r", at=5, known_at=5, candidates=("a", "b"), scores=(0.5, 0.25))
            writer.append_slate(slate, lambda _: None).result()
        else:
            click = Event(id=id_, reader="r", kind=EventKind.CLICK, at=5, known_at=5, article="a", position=3)
            writer.append_events([click]).result()


def test_rows_come_in_the_order_of_appending_whatever_the_batch(database: Database) -> None:
    ids = ["e1", "s1", "s2", "e2", "e3", "s3", "e0"]
    append(database, ids)
    with database.read() as connection:
        for most in (1, 2, 3, 10):
            found: list[str] = []
            seq = 0
            while rows := log_outbox.rows_after(connection, seq, most):
                assert len(rows) <= most
                found += [row.id for _, row in rows]
                seq = rows[-1][0]
            assert found == ids


def test_rows_have_all_their_fields(database: Database) -> None:
    append(database, ["e1", "s1"])
    with database.read() as connection:
        (_, event), (_, slate) = log_outbox.rows_after(connection, 0, 10)
    assert isinstance(event, Event)
    assert (event.kind, event.position) == (EventKind.CLICK, 3)
    assert isinstance(slate, Slate)
    assert (slate.candidates, slate.scores, slate.propensities) == (("a", "b"), (0.5, 0.25), None)


def test_each_destination_has_its_own_position(database: Database) -> None:
    with database.write() as connection:
        for seq in (3, 7):
            log_outbox.save_position(connection, "nats://a", seq)
        log_outbox.save_position(connection, "nats://b", 5)
    with database.read() as connection:
        positions = [log_outbox.position(connection, name) for name in ("nats://a", "nats://b", "nats://c")]
    assert positions == [7, 5, 0]


@pytest.mark.parametrize("most", [1, 4, 100])
def test_a_mirror_reads_each_file_of_the_archive_once(
    database: Database, tmp_path: Path, file_reads: Counter[str], most: int
) -> None:
    for at in range(0, 40, 4):
        clicks = [
            Event(id=f"c{n}", reader="x", kind=EventKind.CLICK, at=n, known_at=n, article="a")
            for n in range(at, at + 4)
        ]
        fill(database, (clicks, [Slate(id=f"shown{at}", reader="x", at=at, known_at=at, candidates=("a", "b"))]))
    fill(database, random_rows(1))  # an import into the past: the numbers of files overlap
    files = archive(database, tmp_path / "archive", END + 1, file_rows=7)
    assert len(files) > 10
    file_reads.clear()
    rows = [row for batch in mirrored(database, Outbox(), most) for row in batch]
    assert [seq for seq, _ in rows] == list(range(1, 141))
    assert file_reads == Counter({file.path: 1 for file in files if file.rows})


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, END + 1), st.integers(1, 40), st.integers(1, 30), st.integers(1, 200))
def test_a_mirror_sends_the_same_rows_however_the_log_is_archived(
    tmp_path_factory: pytest.TempPathFactory, seed: int, until: int, file_rows: int, most: int, held: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    database = open_database(sqlite_url(folder))
    fill(database, random_rows(seed))
    before = [row for batch in mirrored(database, Outbox(), most) for row in batch]
    outbox, found = Outbox(most_held=held), []
    for number, batch in enumerate(mirrored(database, outbox, most)):
        found += batch
        if number == 1:  # rows move to files while a publisher runs
            archive(database, folder / "archive", until, file_rows)
    assert found == before
    again = before[len(before) // 2 :]
    assert [row for batch in mirrored(database, outbox, most, again[0][0] - 1) for row in batch] == again
    database.close()


def test_rows_that_a_mirror_holds_in_memory_are_not_sent_once_they_are_erased(
    database: Database, tmp_path: Path
) -> None:
    fill(database, random_rows(3))
    archive(database, tmp_path / "archive", END + 1, file_rows=20)
    outbox = Outbox()
    batches = mirrored(database, outbox, 5)
    seq = next(batches)[-1][0]
    with archive_turns.held(database, Turn.FILES, 1.0):
        rewritten = archive_rewrite.prepare(database, "x")
        with database.write() as connection:
            erasure.erase(connection, "x", END, rewritten)
        archive_rewrite.finish(database)
    left = [row for batch in mirrored(database, outbox, 5, seq) for _, row in batch]
    assert {row.reader for row in left} == {"y", "z"}


def test_a_cursor_holds_few_rows_where_many_files_overlap(database: Database, tmp_path: Path) -> None:
    fill(database, random_rows(2, count=200))
    archive(database, tmp_path / "archive", END + 1, file_rows=10)
    cursor, found = ArchiveCursor(events, ["id"], most_held=40), []
    with database.read() as connection:
        numbers = sorted(seq for each in log_archive.frames(connection, events, ["seq"]) for seq in each["seq"])
        while (rows := cursor.rows_after(connection, found[-1] if found else 0, 8)).height:
            assert cursor.held.height <= 40
            found += rows["seq"].to_list()
    assert found == numbers
