"""Slates on disk while the log cannot be reached."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import FeedRequest, RankedItem, Ranking, Slate
from recsys.serving.clock import Clock
from recsys.serving.pagination import slate_of
from recsys.serving.recovery import store_spooled
from recsys.serving.spool import ERASED, FULL, UNREADABLE, UNWRITABLE, Spool
from recsys.store import erasure, event_log, event_log_reader
from recsys.store.database import Database, open_database

PLENTY = 1_000_000


def slate(number: int, reader: str = "r") -> Slate:
    items = tuple(RankedItem(f"ä{number}-{i}", 1 / (i + 3), i, propensity=0.1) for i in range(3))
    request = FeedRequest(request_id=f"s{number:04}", as_of=1_000 + number, reader=reader, session="on the train")
    return slate_of(request, Ranking(request.request_id, "starting", request.as_of, items), request.as_of)


def taken(spool: Spool) -> list[Slate]:
    with spool.emptied() as slates:
        return slates


def logged(database: Database) -> list[tuple[str, int]]:
    with database.read() as connection:
        frames = [chunk.slates for chunk in event_log_reader.stream(connection)]
        return [row for frame in frames for row in frame.select("id", "known_at").iter_rows()]


def test_slates_come_out_unchanged_oldest_first_and_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY)
    for number in (2, 1):
        spool.put(slate(number))
    assert (spool.waiting, spool.taken) == (2, 2)
    assert taken(spool) == [slate(1), slate(2)]
    assert (spool.waiting, spool.taken) == (0, 2)
    assert taken(spool) == []
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_not_stored_stay(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY)
    spool.put(slate(1))
    with pytest.raises(ZeroDivisionError), spool.emptied():
        raise ZeroDivisionError
    spool.put(slate(2))
    assert taken(spool) == [slate(1), slate(2)]


def test_over_the_bound_the_newest_are_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    probe = Spool(tmp_path / "probe", PLENTY)
    probe.put(slate(0))
    line = next((tmp_path / "probe").iterdir()).stat().st_size
    spool = Spool(tmp_path / "spool", 3 * line)
    for number in range(2_000):
        spool.put(slate(number))
    assert spool.waiting == 3
    assert spool.dropped == {FULL: 1_997}
    assert len(caplog.records) == 2, "the first, and one of a thousand"
    assert taken(spool) == [slate(number) for number in range(3)]
    spool.put(slate(3))
    assert spool.waiting == 1, "there is room again"


def test_a_folder_that_cannot_be_written_costs_the_slate_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool", PLENTY)
    spool.put(slate(1))
    assert spool.dropped == {UNWRITABLE: 1}


def test_the_file_of_a_process_that_runs_is_read_and_left(tmp_path: Path) -> None:
    one, two = Spool(tmp_path, PLENTY), Spool(tmp_path, PLENTY)
    one.put(slate(1))
    two.put(slate(2))
    assert taken(one) == [slate(1), slate(2)]
    two.put(slate(3))
    assert taken(two) == [slate(2), slate(3)]


def test_a_line_cut_short_costs_itself_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY)
    for number in range(3):
        spool.put(slate(number))
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 10)
    spool.close()
    found = Spool(tmp_path, PLENTY)
    assert taken(found) == [slate(0), slate(1)]
    assert found.dropped == {UNREADABLE: 1}


def put_and_die(folder: Path, number: int) -> None:
    Spool(folder, PLENTY).put(slate(number))
    os._exit(9)


def test_slates_of_a_killed_process_are_found_and_its_file_goes(tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=put_and_die, args=(tmp_path, 7))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert taken(Spool(tmp_path, PLENTY)) == [slate(7)]
    assert list(tmp_path.iterdir()) == []


def test_stored_twice_is_stored_once_in_order_behind_all_that_was_known(
    database: Database, tmp_path: Path
) -> None:
    clock, first, second = Clock(), Spool(tmp_path, PLENTY), Spool(tmp_path, PLENTY)
    with database.write() as connection:
        late = replace(slate(99), known_at=5_000_000_000_000_000)
        event_log.append_rows(connection, [], [late], event_log.lock(connection))
    for number in range(4):
        (first if number % 2 else second).put(slate(number))
    assert store_spooled(database, first, clock) == 4
    assert store_spooled(database, second, clock) == 0
    ids, known = zip(*logged(database), strict=True)
    assert ids == ("s0099", "s0000", "s0001", "s0002", "s0003")
    assert list(known) == sorted(set(known))
    with database.read() as connection:
        assert event_log.position(connection).last_seq == 5


def test_no_slate_from_before_an_erasure_is_stored(database: Database, tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY)
    for number in (1, 2, 3):
        spool.put(slate(number))
    with database.write() as connection:
        erasure.erase(connection, "somebody", at=1_002)
    assert store_spooled(database, spool, Clock()) == 1
    assert [id_ for id_, _ in logged(database)] == ["s0003"]
    assert spool.dropped == {ERASED: 2}


ACTS = st.lists(st.sampled_from(["put", "store", "crash", "fail"]), max_size=25)


@settings(max_examples=30, deadline=None)
@given(acts=ACTS)
def test_whatever_happens_each_slate_is_stored_once(
    acts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    database, clock, spool = open_database(f"sqlite:///{folder / 'attune.db'}"), Clock(), Spool(folder, PLENTY)
    put = 0
    for act in acts:
        if act == "put":
            spool.put(slate(put))
            put += 1
        elif act == "store":
            store_spooled(database, spool, clock)
        elif act == "crash":
            spool.close()
            spool = Spool(folder, PLENTY)
        else:  # stored, and killed before the files are deleted
            with pytest.raises(KeyboardInterrupt), spool.emptied() as slates:
                kept = Spool(folder / "again", PLENTY)
                for each in slates:
                    kept.put(each)
                store_spooled(database, kept, clock)
                raise KeyboardInterrupt
    store_spooled(database, spool, clock)
    assert [id_ for id_, _ in logged(database)] == [slate(number).id for number in range(put)]
    assert not list(folder.glob("*.jsonl"))
    database.close()
