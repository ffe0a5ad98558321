"""Consumer: exactly once and in order, whatever fails; dead letters with reasons; metrics; the end."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.streams import back_off
from api.streams.log_publisher import LogPublisher, PublisherOptions
from api.streams.stream_consumer import ConsumerCounts, ConsumerOptions, StreamConsumer
from api.streams.stream_metrics import StreamMetrics
from recsys.domain import Slate
from recsys.settings import Settings
from recsys.store import archive_folder
from recsys.store.database import Database, open_database
from recsys.store.log_outbox import rows_after
from tests.application import application
from tests.archived import END, archive, fill, random_rows
from tests.unit.api.streams.memory_broker import MemoryBroker

GOOD, BAD = 20, 4


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back_off, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(back_off, "_MOST_SECONDS", 0.0)


def bodies() -> list[bytes]:
    """Events of two readers, with an unknown kind or broken JSON at every sixth place."""
    rows = [
        {"id": f"e{i:02}", "reader": f"r{i % 2}", "kind": "glance" if i % 12 == 5 else "click", "article": "a1"}
        for i in range(GOOD + BAD)
    ]
    return [b"{" if i % 12 == 11 else json.dumps(row).encode() for i, row in enumerate(rows)]


def consume(
    database: Database, home: Path, broker: MemoryBroker, registry: CollectorRegistry | None = None
) -> ConsumerCounts:
    options = ConsumerOptions(source="memory", dead_letters="dead", batch=5, until_empty=True)
    metrics = StreamMetrics(registry or CollectorRegistry())
    consumer = StreamConsumer(application(database, home), broker, options, metrics, lambda _: None)
    return asyncio.run(consumer.run(asyncio.Event()))


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        return [row.id for _, row in rows_after(connection, 0, 1_000)]


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of a database with its schema, to copy: the migrations take longer than an example."""
    file = tmp_path_factory.mktemp("empty") / "attune.db"
    open_database(f"sqlite:///{file}").close()
    return file


@given(st.lists(st.sampled_from(["", "", "before", "after"]), max_size=40))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_event_is_stored_once_in_order_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path, fails: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("stream")
    database = open_database(f"sqlite:///{shutil.copy(empty_database, folder)}")
    broker = MemoryBroker(bodies(), fails)
    consume(database, folder, broker)
    good = [f"e{i:02}" for i in range(GOOD + BAD) if i % 6 != 5]
    assert stored(database) == good
    assert {each.id for each in broker.sent["dead"]} == {f"topic:{i}" for i in (5, 11, 17, 23)}
    assert broker.acknowledged == GOOD + BAD
    database.close()


def test_rejected_rows_are_counted_kept_and_sent_with_their_reason(
    sqlite_database: Database, tmp_path: Path
) -> None:
    broker, registry = MemoryBroker(bodies()), CollectorRegistry()
    counts = consume(sqlite_database, tmp_path, broker, registry)
    assert (counts.stored, counts.duplicates) == (GOOD, 0)
    assert counts.rejected == {"kind: unknown": 2, "message: not JSON": 2}
    letter = json.loads(broker.sent["dead"][0].body)
    assert (letter["type"], letter["source"]) == ("attune.rejected", "memory")
    assert letter["data"]["reason"] == "kind: unknown"
    assert letter["data"]["row"]["id"] == "e05"
    (file,) = (tmp_path / "rejects" / "streams").glob("*.jsonl")
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["reason"] for row in kept] == ["kind: unknown", "message: not JSON"] * 2
    assert registry.get_sample_value("attune_stream_rejected_total", {"reason": "kind: unknown"}) == 2
    assert registry.get_sample_value("attune_stream_rows_total", {"outcome": "stored"}) == GOOD
    assert registry.get_sample_value("attune_stream_waiting_messages") == 0


def test_reject_files_never_have_a_reader_in_plain_text_if_there_are_pseudonyms(
    sqlite_database: Database, tmp_path: Path
) -> None:
    rows = [{"id": "e1", "reader": "anna@example.org", "kind": "glance"}, {"anna@example.org": 1}]
    app = application(sqlite_database, tmp_path)
    chosen = Settings(home=tmp_path, pseudonym_key="k" * 16, _env_file=None)  # type: ignore[call-arg, arg-type]
    object.__setattr__(app, "settings", chosen)
    broker = MemoryBroker([json.dumps(row).encode() for row in rows])
    options = ConsumerOptions(source="memory", dead_letters="dead", until_empty=True)
    consumer = StreamConsumer(app, broker, options, StreamMetrics(CollectorRegistry()), lambda _: None)
    counts = asyncio.run(consumer.run(asyncio.Event()))
    assert counts.rejected.total() == 2
    (file,) = (tmp_path / "rejects" / "streams").glob("*.jsonl")
    assert "anna" not in file.read_text()


def test_articles_of_a_batch_are_stored_before_its_events(sqlite_database: Database, tmp_path: Path) -> None:
    rows = [
        {"id": "e1", "reader": "r1", "kind": "click", "article": "a1"},
        {"id": "a1", "title": "Old"},
        {"id": "a1", "title": "New"},
    ]
    counts = consume(sqlite_database, tmp_path, MemoryBroker([json.dumps(row).encode() for row in rows]))
    assert counts.stored == 2
    assert counts.duplicates + counts.stored == 3


def test_impressions_of_a_batch_are_stored_once_before_the_clicks_that_quote_them(
    sqlite_database: Database, tmp_path: Path
) -> None:
    slate = {"id": "s1", "reader": "r1", "candidates": ["a1", "a2"], "at": 1_700_000_000}
    click = {"id": "e1", "reader": "r1", "kind": "click", "article": "a1", "request_id": "s1", "at": 1_700_000_001}
    envelope = {"specversion": "1.0", "id": "1", "source": "/app", "type": "shop.impression", "data": slate}
    other = {"reader": "r2", "candidates": ["a2"]}
    wrong = [{**slate, "candidates": ["a9"]}, {**slate, "id": "s2", "candidates": []}]
    rows = [click, envelope, slate, other, *wrong]
    broker = MemoryBroker([json.dumps(row).encode() for row in rows], ["", "", "before"])
    counts = consume(sqlite_database, tmp_path, broker)
    assert counts.rejected == {"candidates: empty": 1, "id: stored already with other content": 1}
    with sqlite_database.read() as connection:
        found = [row for _, row in rows_after(connection, 0, 1_000)]
    assert next(row.id for row in found if isinstance(row, Slate)) == "s1"
    assert [row.id for row in found][-1] == "e1"
    assert len(found) == 3
    assert {json.loads(each.body)["data"]["reason"] for each in broker.sent["dead"]} == set(counts.rejected)


def test_a_published_log_is_consumed_as_the_same_log(tmp_path: Path) -> None:
    first, second = (open_database(f"sqlite:///{tmp_path / name}.db") for name in ("first", "second"))
    consume(first, tmp_path, MemoryBroker(bodies()))
    outbox = MemoryBroker([], ["before", "after", "", "after"])
    options = PublisherOptions(topic="log", destination="memory", batch=6, once=True)
    publisher = LogPublisher(application(first, tmp_path), outbox, options, lambda *_: None)
    assert asyncio.run(publisher.run(asyncio.Event())) == GOOD
    consume(second, tmp_path, MemoryBroker([each.body for each in outbox.sent["log"]]))
    assert stored(second) == stored(first)
    assert len(outbox.sent["log"]) > GOOD  # batches whose confirmation was lost are sent again
    again = LogPublisher(application(first, tmp_path), outbox, options, lambda *_: None)
    assert asyncio.run(again.run(asyncio.Event())) == 0
    for each in (first, second):
        each.close()


def test_a_publisher_reads_each_file_of_an_archive_once(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = random_rows(1)
    fill(sqlite_database, rows)
    files = archive(sqlite_database, tmp_path / "archive", END + 1, file_rows=9)
    read: list[str] = []
    content_of = archive_folder.read
    monkeypatch.setattr(archive_folder, "read", lambda path: (read.append(path), content_of(path))[1])
    broker = MemoryBroker([], ["before", "", "after"])
    options = PublisherOptions(topic="log", destination="memory", batch=7, once=True)
    publisher = LogPublisher(application(sqlite_database, tmp_path), broker, options, lambda *_: None)
    assert asyncio.run(publisher.run(asyncio.Event())) == sum(map(len, rows))
    assert sorted(read) == sorted(file.path for file in files)
