"""Streams with real brokers: the consumer in this process for each kind, and the commands with kill -9."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiormq
import pytest
from prometheus_client import CollectorRegistry

from api.streams.broker_adapters import broker_at
from api.streams.broker_address import BrokerAddress, parse_address
from api.streams.stream_consumer import ConsumerCounts, ConsumerOptions, StreamConsumer
from api.streams.stream_metrics import StreamMetrics
from benchmarks.private_brokers import KINDS, missing_program, private_broker
from benchmarks.streams import Place, consume_with_kills, message
from recsys.store.database import Database, open_database
from recsys.store.log_outbox import rows_after
from tests.application import application

ROOT = Path(__file__).parents[2]
RABBIT = "amqp://guest:guest@127.0.0.1:5672/"


def rabbit_answers() -> bool:
    async def connected() -> None:
        await (await aiormq.connect(RABBIT)).close()

    try:
        asyncio.run(connected())
    except (OSError, aiormq.exceptions.AMQPError):
        return False
    return True


@contextmanager
def a_broker(kind: str, folder: Path) -> Iterator[str]:
    if kind == "amqp":
        if not rabbit_answers():
            pytest.skip("no RabbitMQ answers at 127.0.0.1:5672")
        yield RABBIT
        return
    lacking = missing_program(kind)
    if lacking is not None:
        pytest.skip(f"{lacking} is not on this machine")
    with private_broker(kind, folder) as broker:
        yield broker.url


GOOD = [message(number).id for number in range(300) if number % 100 != 7]


def by_reader(ids: Sequence[str]) -> dict[str, list[str]]:
    readers = {id_.partition("-")[0] for id_ in ids}
    return {reader: [id_ for id_ in ids if id_.startswith(f"{reader}-")] for reader in readers}


def of_kind(ids: Sequence[str], first: str) -> list[str]:
    return [id_ for id_ in ids if id_.startswith(first)]


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        return [row.id for _, row in rows_after(connection, 0, 100_000)]


async def send(address: BrokerAddress, numbers: range) -> None:
    broker = broker_at(address, 100)
    await broker.open()
    await broker.send(address.topic, [message(number) for number in numbers])
    await broker.close()


async def crash(address: BrokerAddress) -> None:
    """Fetch messages and go away without an acknowledgement."""
    broker = broker_at(address, 100)
    await broker.open()
    await broker.subscribe()
    assert await broker.fetch(50, 10.0)
    await broker.close()


async def consume(address: BrokerAddress, database: Database, home: Path) -> ConsumerCounts:
    dead = f"{address.topic}.rejected"
    options = ConsumerOptions(source=address.shown, dead_letters=dead, batch=100, until_empty=True)
    metrics = StreamMetrics(CollectorRegistry())
    consumer = StreamConsumer(
        application(database, home), broker_at(address, 100), options, metrics, lambda _: None
    )
    return await consumer.run(asyncio.Event())


async def drop(address: BrokerAddress) -> None:
    """Delete the queues of a RabbitMQ that others use."""
    connection = await aiormq.connect(address.url)
    channel = await connection.channel()
    for queue in (address.topic, f"{address.topic}.rejected"):
        await channel.queue_delete(queue)
    await connection.close()


@pytest.mark.parametrize("kind", ["nats", "redis", "amqp", pytest.param("kafka", marks=pytest.mark.soak)])
def test_unacknowledged_messages_come_again_in_order(kind: str, tmp_path: Path, sqlite_database: Database) -> None:
    with a_broker(kind, tmp_path / "broker") as url:
        topic = f"test-{uuid.uuid4().hex}"
        address = parse_address(url, topic=topic, group="readers", default_topic="")
        asyncio.run(send(address, range(150)))
        asyncio.run(crash(address))
        asyncio.run(send(address, range(150, 300)))
        counts = asyncio.run(consume(address, sqlite_database, tmp_path))
        dead = parse_address(url, topic=f"{topic}.rejected", group="readers", default_topic="")
        letters = asyncio.run(_read_all(dead))
        if kind == "amqp":
            asyncio.run(drop(address))
    assert by_reader(stored(sqlite_database)) == by_reader(GOOD)
    if kind != "kafka":  # its topics have several partitions, each with an order of its own
        for kind_of_row in "rs":  # of events and of impressions: a batch is stored kind by kind
            assert of_kind(stored(sqlite_database), kind_of_row) == of_kind(GOOD, kind_of_row)
    assert (counts.stored, counts.rejected, counts.waiting) == (297, {"kind: unknown": 3}, 0)
    assert letters == 3


def test_kafka_keeps_the_order_of_each_reader(tmp_path: Path, sqlite_database: Database) -> None:
    with a_broker("kafka", tmp_path) as url:
        address = parse_address(url, topic="clicks", group="readers", default_topic="")
        asyncio.run(send(address, range(300)))
        counts = asyncio.run(consume(address, sqlite_database, tmp_path))
    assert by_reader(stored(sqlite_database)) == by_reader(GOOD)
    assert (counts.stored, counts.rejected, counts.waiting) == (297, {"kind: unknown": 3}, 0)


async def _read_all(address: BrokerAddress) -> int:
    broker = broker_at(address, 100)
    await broker.open()
    await broker.subscribe()
    found, wait = 0, 10.0
    while messages := await broker.fetch(100, wait):  # Kafka may answer with one partition at a time
        await broker.acknowledge(messages)
        found, wait = found + len(messages), 1.0
    await broker.close()
    return found


def test_kills_of_consumer_and_broker_lose_and_repeat_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'attune.db'}"
    _check_kills(tmp_path, url, kind="nats", count=2_000, kills=3, broker_kills=1)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_thirty_kills_lose_and_repeat_nothing(kind: str, tmp_path: Path, database_url: str) -> None:
    _check_kills(
        tmp_path, database_url, kind=kind, count=100_000, kills=30, broker_kills=0 if kind == "kafka" else 5
    )


def _check_kills(folder: Path, url: str, *, kind: str, count: int, kills: int, broker_kills: int) -> None:
    lacking = missing_program(kind)
    if lacking is not None:
        pytest.skip(f"{lacking} is not on this machine")
    open_database(url).close()
    with private_broker(kind, folder / "broker") as broker:
        place = Place(url=broker.url, database_url=url, home=folder / "home", batch=200)
        found = consume_with_kills(place, broker, count, kills, broker_kills)
    assert found.holds, found
    assert "consuming" in (folder / "home" / "consumer.log").read_text()


def attune(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ATTUNE_DATABASE_URL": f"sqlite:///{folder / 'a.db'}"}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=folder,
        env={**environment, "ATTUNE_HOME": str(folder / "var")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_publish_sends_what_consume_stored(tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine")
    with private_broker("redis", tmp_path / "broker") as broker:
        address = parse_address(broker.url, topic="in", group=None, default_topic="")
        asyncio.run(send(address, range(20)))
        consumed = attune(tmp_path, "consume", broker.url, "--topic", "in", "--until-empty")
        assert consumed.returncode == 0, consumed.stderr
        assert "19 stored, 0 duplicate, 1 rejected, 0 messages wait" in consumed.stdout
        assert "1 × kind: unknown" in consumed.stdout
        published = attune(tmp_path, "publish", broker.url, "--topic", "out", "--once")
        assert "19 sent, 0 rows wait" in published.stdout
        out = parse_address(broker.url, topic="out", group=None, default_topic="")
        assert asyncio.run(_read_all(out)) == 19


def test_sigterm_ends_a_consumer_whose_broker_is_away(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "consume", "nats://user:s3cret@127.0.0.1:9/clicks"]
    with subprocess.Popen(
        [*command, "--database-url", f"sqlite:///{tmp_path / 'a.db'}", "--home", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        shown = process.stdout.read() + line + process.stderr.read()
        assert process.wait(60) == 0
    assert "the broker is away" in line
    assert "s3cret" not in shown
