"""Rows of concurrent requests, committed together, on both databases."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.event_rows import check_events
from recsys.domain import Event, Slate
from recsys.errors import StoreError
from recsys.projection.log_follower import LogFollower
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.store import event_log, event_log_reader
from recsys.store.amended_values import RowOutcome
from recsys.store.database import Connection, Database

NOW = 1_700_000_000_000_000


def click(number: int, reader: str = "r", request_id: str | None = None) -> Event:
    row = {"id": f"e{number}", "reader": reader, "kind": "click", "article": "a", "request_id": request_id}
    return check_events([row], NOW).events[0]


def slate(id_: str, reader: str = "r") -> Slate:
    return Slate(id=id_, reader=reader, at=NOW, known_at=NOW, candidates=("a", "b"))


def nothing(_: Connection) -> None:
    return None


@pytest.fixture
def writer(database: Database) -> Iterator[LogWriter]:
    started = LogWriter(database, Clock())
    started.start()
    yield started
    started.stop()


def test_rows_of_many_threads_are_each_stored_once_in_order_of_receipt(
    writer: LogWriter, database: Database
) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = list(pool.map(lambda number: writer.append_events([click(number), click(number)]), range(64)))
    assert [future.result(10) for future in futures] == [[RowOutcome.STORED, RowOutcome.DUPLICATE]] * 64
    with database.read() as connection:
        found = event_log_reader.tail(connection, 0).events
        assert event_log.position(connection).last_seq == 64
    known = [event.known_at for event in found]
    assert len(found) == 64
    assert known == sorted(set(known))


def test_another_content_of_an_id_is_a_conflict(writer: LogWriter) -> None:
    assert writer.append_events([click(1)]).result(10) == [RowOutcome.STORED]
    assert writer.append_events([click(1), click(1, "other")]).result(10) == [
        RowOutcome.DUPLICATE,
        RowOutcome.CONFLICT,
    ]


def test_a_slate_that_fails_costs_no_other_row(writer: LogWriter) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT nonsense FROM nowhere")

    events = [writer.append_events([click(number)]) for number in range(20)]
    broken = writer.append_slate(slate("broken"), fail)
    events += [writer.append_events([click(number)]) for number in range(20, 40)]
    with pytest.raises(StoreError):
        broken.result(10)
    assert [future.result(10) for future in events] == [[RowOutcome.STORED]] * 40


def test_a_caller_that_goes_away_stops_nobody(writer: LogWriter) -> None:
    async def leave() -> None:
        waiting = asyncio.ensure_future(asyncio.wrap_future(writer.append_events([click(1)])))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    assert writer.append_events([click(1), click(2)]).result(10) == [RowOutcome.DUPLICATE, RowOutcome.STORED]


def test_stopping_writes_what_waits(database: Database) -> None:
    writer = LogWriter(database, Clock())
    writer.start()
    futures = [writer.append_events([click(number)]) for number in range(50)]
    writer.stop()
    assert all(future.result(0) == [RowOutcome.STORED] for future in futures)


def test_offered_rows_give_the_state_that_the_log_gives(database: Database) -> None:
    offered, read = LogFollower(database), LogFollower(database)
    offered.start()
    read.start()
    clock = Clock()
    writer = LogWriter(database, clock, offered.offer)
    writer.append_slate(slate("q"), nothing).result()
    for number, (reader, request_id) in enumerate([("r", "q"), ("s", "q"), ("r", None), ("r", "unknown")]):
        writer.append_events([click(number, reader, request_id)]).result()
    LogWriter(database, clock).append_events([click(9)]).result()  # as another process does
    writer.append_events([click(10, "r", "q")]).result()
    assert offered.catch_up() == read.catch_up() == 7
    same = (offered.state.counters.articles == read.state.counters.articles).all()
    assert same and offered.state.known_at == read.state.known_at


def test_an_answer_is_as_of_a_time_before_all_rows_being_written() -> None:
    clock = Clock()
    before = clock.committed()
    with clock.stamping(3, after=before + 10) as first:
        assert first > before + 10
        assert clock.committed() == first
        assert clock.next() > first + 2
    assert clock.committed() > first + 2
