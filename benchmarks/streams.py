"""Streams: throughput of `attune consume`, and events stored once although consumer and broker are killed.

    python -m benchmarks.streams [--brokers nats,redis,rabbitmq,kafka] [--events 100000] [--kills 30]
                                 [--broker-kills 5] [--backend sqlite|postgresql] [--batch 1000]

Every broker is private (`benchmarks.private_brokers`) and ends with the benchmark. One event in a hundred has an
error, and becomes a dead letter; half of the others are CloudEvents. Where processes are killed, one message in
fifty is an impression. Kafka is a mock in memory: only the consumer is killed there. PostgreSQL is the server of
`--postgres`, with databases that are dropped afterwards.

Goals, for each broker: 5,000 events/s; with 30 kills of the consumer and 5 of the broker, every event is stored
once, in the order of its reader, and every row with an error is among the dead letters.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from api.streams.broker_adapters import broker_at
from api.streams.broker_address import BrokerAddress, parse_address
from api.streams.stream_broker import OutgoingMessage
from benchmarks.figure import figure
from benchmarks.ingest import postgres_url, sqlite_url
from benchmarks.private_brokers import KINDS, RunningBroker, missing_program, private_broker
from recsys.store import event_log
from recsys.store.database import Database, opened
from recsys.store.log_outbox import rows_after

ROOT = Path(__file__).parents[1]

_TOPIC = "attune.ingest"
_DEAD_LETTERS = f"{_TOPIC}.rejected"
_READERS = 200
_ERROR_EVERY = 100
_FORM_EVERY = 3
"""One event in so many is a CloudEvent in the structured mode, and one in the binary mode."""

_SLATE_EVERY = 50

_START = 1_700_000_000
_PATIENCE = 240.0
_SLICE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a consumer works. url: of the broker; database_url, home: of Attune; batch: most messages at once."""

    url: str
    database_url: str
    home: Path
    batch: int = 1_000


@dataclass(frozen=True, slots=True)
class Checked:
    """Comparison of what was sent with what is stored.

    lost, repeated: rows. unordered: readers whose rows are not in the order of sending. letters_lost: rows
    with an error that are no dead letter. letters_repeated: dead letters that were sent again.
    """

    stored: int
    lost: int
    repeated: int
    unordered: int
    letters_lost: int
    letters_repeated: int

    @property
    def holds(self) -> bool:
        """True if every event is stored once and in order, and no dead letter is missing."""
        return not (self.lost or self.repeated or self.unordered or self.letters_lost)


class Consumer:
    """`attune consume` as a process, which may be killed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        place = self._place
        place.home.mkdir(parents=True, exist_ok=True)
        command = ("consume", place.url, "--topic", _TOPIC, "--batch", str(place.batch), "--home", str(place.home))
        with (place.home / "consumer.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *command, "--database-url", place.database_url],
                cwd=place.home,
                env={**os.environ, "PYTHONPATH": str(ROOT), "ATTUNE_LOG_FORMAT": "text"},
                stdout=log,
                stderr=log,
            )

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used."""
        assert self._process is not None, "start it first"
        used = psutil.Process(self._process.pid).cpu_times()
        return float(used.user + used.system)

    def end(self, by: signal.Signals) -> int:
        """Send a signal, and return the exit status."""
        assert self._process is not None, "start it first"
        self._process.send_signal(by)
        return self._process.wait(60)


def message(number: int, slates: bool = True) -> OutgoingMessage:
    """Return the event of a number: plain JSON, or a CloudEvent in one of two modes; some have an error.

    slates: some are impressions. Their readers have no events, because a batch is stored kind by kind.
    """
    is_slate = slates and number % _SLATE_EVERY == _SLATE_EVERY - 1
    reader = f"{'s' if is_slate else 'r'}{number % _READERS}"
    id_ = f"{reader}-{number:07}"
    row: dict[str, object] = {"id": id_, "reader": reader, "at": _START + number}
    if is_slate:
        row["candidates"] = [f"a{(number + place) % 97}" for place in range(10)]
    else:
        row |= {"kind": "glance" if _is_bad(number) else "click", "article": f"a{number % 97}"}
    type_ = f"news.{'impression' if is_slate else 'event'}"
    attributes = {"specversion": "1.0", "id": id_, "source": "/benchmark", "type": type_}
    headers = {}
    content: object = row
    if number % _FORM_EVERY == 1:
        content = {**attributes, "data": row}
    elif number % (2 * _FORM_EVERY) == 2:
        headers = {f"ce-{name}": value for name, value in attributes.items()}
    return OutgoingMessage(id_, json.dumps(content).encode(), reader, headers)


def send(place: Place, first: int, count: int, slates: bool = True) -> None:
    """Send the messages of the numbers from `first` on. slates: some are impressions."""

    async def sent() -> None:
        broker = broker_at(_address(place), _SLICE)
        await broker.open()
        try:
            for start in range(first, first + count, _SLICE):
                numbers = range(start, min(start + _SLICE, first + count))
                await broker.send(_TOPIC, [message(number, slates) for number in numbers])
        finally:
            await broker.close()

    asyncio.run(sent())


def dead_letters(place: Place) -> list[str]:
    """Return the ids of the rows among the dead letters."""

    async def read() -> list[str]:
        broker = broker_at(_address(place, _DEAD_LETTERS), _SLICE)
        await broker.open()
        try:
            await broker.subscribe()
            found: list[str] = []
            while messages := await broker.fetch(_SLICE, 2.0):
                found += [json.loads(each.body)["data"]["row"]["id"] for each in messages]
                await broker.acknowledge(messages)
            return found
        finally:
            await broker.close()

    return asyncio.run(read())


def check(place: Place, count: int, slates: bool = True) -> Checked:
    """Compare the stored rows and the dead letters with the messages of the numbers below `count`."""
    with opened(place.database_url) as database, database.read() as connection:
        ids = [row.id for _, row in rows_after(connection, 0, 10 * count)]
    times = Counter(ids)
    wanted = {message(number, slates).id for number in range(count) if not _is_bad(number)}
    letters = Counter(dead_letters(place))
    bad = {message(number, slates).id for number in range(count) if _is_bad(number)}
    return Checked(
        stored=len(ids),
        lost=len(wanted - times.keys()),
        repeated=sum(number - 1 for number in times.values()) + len(times.keys() - wanted),
        unordered=_unordered(ids),
        letters_lost=len(bad - letters.keys()),
        letters_repeated=letters.total() - len(letters),
    )


def consume_with_kills(place: Place, broker: RunningBroker, count: int, kills: int, broker_kills: int) -> Checked:
    """Send events in slices, one for each kill; kill the consumer in the middle of a slice, and start it again."""
    draw = random.Random(kills)
    broker_at_kills = {(place_ + 1) * kills // (broker_kills + 1) for place_ in range(broker_kills)}
    consumer = Consumer(place)
    consumer.start()
    with opened(place.database_url) as database:
        sent = 0
        for kill in range(kills):
            until = count * (kill + 1) // (kills + 1)
            send(place, sent, until - sent)
            _wait_for_rows(database, _good(sent) + int(draw.random() * (_good(until) - _good(sent))))
            sent = until
            if kill in broker_at_kills:
                broker.restart()
                _wait_for_rows(database, _good(sent) - draw.randrange(1 + min(200, _good(sent))))
            consumer.end(signal.SIGKILL)
            consumer.start()
        send(place, sent, count - sent)
        _wait_for_rows(database, _good(count))
    time.sleep(1)  # dead letters of the last rows
    status = consumer.end(signal.SIGTERM)
    assert status == 0, f"the consumer ended with status {status} at SIGTERM"
    return check(place, count)


def throughput(place: Place, count: int) -> tuple[float, float]:
    """Consume a full topic; return events stored a second, and events a second of CPU time of the consumer.

    Starting is not counted.
    """
    send(place, 0, count, slates=False)
    consumer = Consumer(place)
    with opened(place.database_url) as database:
        consumer.start()
        first = _wait_for_rows(database, 1)
        began, cpu_began = time.monotonic(), consumer.cpu_seconds()
        events = _wait_for_rows(database, _good(count)) - first
        seconds, cpu_seconds = time.monotonic() - began, consumer.cpu_seconds() - cpu_began
    consumer.end(signal.SIGTERM)
    return events / seconds, events / cpu_seconds


def _address(place: Place, topic: str = _TOPIC) -> BrokerAddress:
    return parse_address(place.url, topic=topic, group="benchmark", default_topic=topic)


def _is_bad(number: int) -> bool:
    return number % _ERROR_EVERY == 7


def _good(count: int) -> int:
    """Return how many of the first `count` events have no error."""
    return count - len(range(7, count, _ERROR_EVERY))


def _unordered(ids: Sequence[str]) -> int:
    """Return the number of readers whose ids, which end with the number of the event, do not ascend."""
    of_reader: dict[str, list[str]] = {}
    for id_ in ids:
        of_reader.setdefault(id_.partition("-")[0], []).append(id_)
    return sum(own != sorted(own) for own in of_reader.values())


def _wait_for_rows(database: Database, rows: int) -> int:
    """Wait until the log has so many rows, and return how many it has."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with database.read() as connection:
            found = event_log.position(connection).last_seq
        if found >= rows:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"the log has {found} rows, and not {rows}, after {_PATIENCE:.0f} s")


def main() -> None:
    """Print the figures of each broker."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", "--broker", default=",".join(KINDS))
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--broker-kills", type=int, default=5)
    parser.add_argument("--backend", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--batch", type=int, default=1_000)
    chosen = parser.parse_args()
    for kind in chosen.brokers.replace("rabbitmq", "amqp").split(","):
        lacking = missing_program(kind)
        if lacking is not None:
            print(f"{kind}: skipped, {lacking} is missing", flush=True)
            continue
        folder = Path(tempfile.mkdtemp(prefix="attune-streams-"))
        try:
            _measure(kind, folder, chosen)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _measure(kind: str, folder: Path, chosen: argparse.Namespace) -> None:
    with private_broker(kind, folder / "fast") as broker, _place(broker, folder / "fast", chosen) as place:
        rate, cpu_rate = throughput(place, chosen.events)
        figure(f"{kind} throughput", rate, f"events/s, {cpu_rate:.0f} a second of CPU, {chosen.backend}")
        print(check(place, chosen.events, slates=False), flush=True)
    if chosen.kills == 0:
        return
    broker_kills = 0 if kind == "kafka" else chosen.broker_kills
    with private_broker(kind, folder / "killed") as broker, _place(broker, folder / "killed", chosen) as place:
        began = time.monotonic()
        found = consume_with_kills(place, broker, chosen.events, chosen.kills, broker_kills)
        note = f"s, {chosen.kills} kills of the consumer, {broker_kills} of the broker; {found}"
        figure(f"{kind} kills {'held' if found.holds else 'FAILED'}", time.monotonic() - began, note)


@contextmanager
def _place(broker: RunningBroker, folder: Path, chosen: argparse.Namespace) -> Iterator[Place]:
    folder.mkdir(parents=True, exist_ok=True)
    empty = sqlite_url(folder) if chosen.backend == "sqlite" else postgres_url(chosen.postgres)
    with empty as url:
        yield Place(url=broker.url, database_url=url, home=folder / "home", batch=chosen.batch)


if __name__ == "__main__":
    main()
