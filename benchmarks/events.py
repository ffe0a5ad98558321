"""Clicks over HTTP: events per second and latencies, CPU of one event, bulk loads over the Gorse routes.

    python -m benchmarks.events [--folder FOLDER] [--database-url URL] [--seconds 10] [--workers 2]

Makes a simulated newsroom and a bundle, and reuses them in `--folder` if given; with `--database-url` the log is
in that database. The generator runs on the same cores. Every event is on a known article, and has its own id.
Events of pages (/v1/collect) come last: each request has a site key, the origin of its page and a reader token.

Goals: 64 connections with one event a request, 1,500 events/s with a p99 of 150 ms; with ten, 6,000 events/s; one
event alone 2 ms of CPU in the server; the same for pages, but for a quarter more CPU; bulk loads of 1,000 rows
a request 12,000 feedback rows/s and 3,000 articles/s; with 200 events/s arriving, the p99 of feeds grows by at
most 20%, and their CPU by at most 10%.
"""

import argparse
import asyncio
import itertools
import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import sqlalchemy as sa
import uvloop

from api.application.context import opened_application
from api.application.key_admin import create_key
from api.application.reader_tokens import open_reader_tokens
from api.application.scopes import Scope
from benchmarks.figure import figure
from benchmarks.newsroom import furnished, room
from benchmarks.server import Server, served
from recsys.settings import Settings, load_settings
from recsys.store import articles
from recsys.store.database import opened
from recsys.store.tables import api_keys

_START_INTERVAL = 0.05
_PATIENCE = 30.0
_ALONE = 400
_BULK_ROWS = 1_000
_BULK_REQUESTS = 12
_FEED_SECONDS = 12.0
_READERS, _FEED_PAUSE = 8, 0.4
"""Connections with feeds, each so many seconds after the one before. With two, both are often at one worker, and
one measurement is the double of the next."""

_TURNS = 3
_TRICKLE = 200
"""Events per second beside feeds, from so many connections."""

_SENDERS = 20
_LONGEST_INTERVAL = 32.0
"""Seconds after which every frequent job of a server has run."""

_MOST_SETTLING = 120
_IDLE = 0.1
"""Seconds of CPU in a second of a server without requests."""

_ORIGIN = "https://news.example"

Messages = Iterator[bytes]


@dataclass(slots=True)
class Outcome:
    """Seconds of each answered request, and the texts of errors."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def at(self, percent: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return float(1_000 * np.percentile(self.seconds, percent)) if self.seconds else 0.0


_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """Connection that sends the next message as soon as the last one is answered, or later if `pause` says so."""

    def __init__(self, messages: Messages, until: float, outcome: Outcome, pause: float = 0.0) -> None:
        self._messages, self._until, self._outcome, self._pause = messages, until, outcome, pause
        self._received = b""
        self._sent = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if len(body) < (int(length[1]) if length else 0):  # an answer 204 has none
            return
        now = time.perf_counter()
        if head[9:12] in (b"200", b"204"):
            self._outcome.seconds.append(now - self._sent)
        else:
            self._outcome.errors.append(f"{head[9:12].decode()} {body[:200].decode(errors='replace')}")
        self._received = b""
        if self._pause:
            wait = max(0.0, self._sent + self._pause - now)
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        message = next(self._messages, None) if time.perf_counter() < self._until else None
        if message is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(message)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database-url")
    for name, default in (
        ("readers", 5_000),
        ("articles", 20_000),
        ("days", 4),
        ("workers", 2),
        ("connections", 64),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        with opened(settings.database_url) as database, database.read() as connection:
            known = articles.upserted_since(connection, 0)[0]["id"].to_list()
        with served(settings, options.workers) as server:
            event_ms = _measure(server, known, options)
            with _site(settings, options.readers) as site:
                _measure_pages(server, site, known, options, event_ms)
    with room(None) as empty, served(_settings_of(empty, options.database_url), options.workers) as server:
        _measure_bulk(server, "feedback rows", "/api/feedback", _feedback(options.readers, known), 12_000)
        _measure_bulk(server, "articles", "/api/items", _items(), 3_000)


def _settings_of(folder: Path, database_url: str | None) -> Settings:
    """Return settings of an empty database, or of the given one: bulk loads leave many articles to encode."""
    return load_settings(database_url=database_url or f"sqlite:///{folder / 'bulk.db'}", home=folder)


def _measure(server: Server, known: list[str], options: argparse.Namespace) -> float:
    """Measure events of the publisher's server and feeds beside them; return the CPU in ms of one event alone."""

    def click_posts(rows: int, seed: str) -> Callable[[int], Messages]:
        return lambda place: _clicks(random.Random(f"{seed}-{place}"), options.readers, known, rows)

    _drive(server, click_posts(1, "warm"), 8, 2.0)
    event_ms = _alone(server, click_posts(1, "alone"))
    figure("one event alone", event_ms, "ms of CPU; goal 2")
    _measure_load(server, click_posts, "connections", options)
    _measure_feeds(server, options.readers, click_posts(1, "trickle"))
    return event_ms


def _measure_pages(
    server: Server, site: "_Site", known: list[str], options: argparse.Namespace, event_ms: float
) -> None:
    def page_posts(rows: int, seed: str) -> Callable[[int], Messages]:
        return lambda place: site.posts(random.Random(f"{seed}-{place}"), known, rows)

    _drive(server, page_posts(1, "warm"), 8, 2.0)
    page_ms = _alone(server, page_posts(1, "alone"))
    figure("one event of a page", page_ms, f"ms of CPU, {page_ms / event_ms - 1:+.0%}; goal +25%")
    _measure_load(server, page_posts, "pages", options)


def _alone(server: Server, messages: Callable[[int], Messages]) -> float:
    """Return the server's CPU in ms of one request, on one connection."""
    started = server.cpu_seconds()
    found = _drive(server, lambda place: itertools.islice(messages(place), _ALONE), 1, _PATIENCE)
    _print_errors(found)
    return 1_000 * (server.cpu_seconds() - started) / len(found.seconds)


def _measure_load(
    server: Server, posts: Callable[[int, str], Callable[[int], Messages]], name: str, options: argparse.Namespace
) -> None:
    for rows, goal in ((1, 1_500), (10, 6_000)):
        found = _drive(server, posts(rows, f"load{rows}"), options.connections, options.seconds)
        rate = rows * len(found.seconds) / options.seconds
        note = f"events/s; goal {goal:,}; p50 {found.at(50):.0f} p99 {found.at(99):.0f} ms"
        figure(f"{options.connections} {name} x {rows}", rate, f"{note}; {len(found.errors)} errors")
        _print_errors(found)


def _print_errors(found: Outcome) -> None:
    for error in found.errors[:2]:
        print("  ", error)


def _measure_bulk(server: Server, name: str, path: str, rows: Callable[[int], object], goal: int) -> None:
    messages = [_post(path, [rows(place) for place in range(_BULK_ROWS)]) for _ in range(_BULK_REQUESTS)]
    started = time.perf_counter()
    found = _drive(server, lambda _: iter(messages), 1, 120.0)
    rate = _BULK_ROWS * len(found.seconds) / (time.perf_counter() - started)
    figure(f"bulk load, {name}", rate, f"a second; goal {goal:,}; {len(found.errors)} errors")
    _print_errors(found)


def _measure_feeds(server: Server, readers: int, clicks: Callable[[int], Messages]) -> None:
    """Measure 20 feeds a second, in turn alone and with events arriving beside them."""

    def feeds(place: int) -> Messages:
        draw = random.Random(f"feeds-{place}")
        while True:
            yield f"GET /v1/feed/r{draw.randrange(readers):05d} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    _drive(server, feeds, _READERS, 5.0, pause=_FEED_PAUSE)
    _settle(server)
    started = server.cpu_seconds()
    trickle = _drive(server, clicks, _SENDERS, _FEED_SECONDS, pause=_SENDERS / _TRICKLE)
    event_ms = 1_000 * (server.cpu_seconds() - started) / len(trickle.seconds)
    figure("events at 200/s", event_ms, "ms of CPU an event")
    alone, beside = _Feeds(), _Feeds()
    for _ in range(_TURNS):
        alone.measure(server, feeds, None)
        beside.measure(server, feeds, clicks)
    own = (1_000 * beside.cpu - event_ms * beside.events) / len(beside.found.seconds)
    cost = 1_000 * alone.cpu / len(alone.found.seconds)
    p99, without = beside.found.at(99), alone.found.at(99)
    figure("feeds, p99", p99, f"ms with events, {without:.1f} without: {p99 / without - 1:+.0%}; goal +20%")
    figure("CPU of a feed", own, f"ms with events, {cost:.1f} without: {own / cost - 1:+.0%}; goal +10%")


def _settle(server: Server) -> None:
    """Wait until the jobs that follow a load have run, such as counting its events and saving the state."""
    time.sleep(_LONGEST_INTERVAL)
    for _ in range(_MOST_SETTLING):
        started = server.cpu_seconds()
        time.sleep(1.0)
        if server.cpu_seconds() - started < _IDLE:
            return
    print("   the server did not become idle")


@dataclass(slots=True)
class _Feeds:
    """Feeds of several turns, seconds of CPU of the server meanwhile, and the number of events beside them."""

    found: Outcome = field(default_factory=Outcome)
    cpu: float = 0.0
    events: int = 0

    def measure(
        self, server: Server, feeds: Callable[[int], Messages], clicks: Callable[[int], Messages] | None
    ) -> None:
        """Add a turn, with events beside the feeds if there are `clicks`."""
        started = server.cpu_seconds()
        found, events = _drive_both(server, feeds, clicks)
        self.cpu += server.cpu_seconds() - started
        _print_errors(found)
        _print_errors(events)
        self.found.seconds += found.seconds
        self.events += len(events.seconds)


def _drive(
    server: Server, messages: Callable[[int], Messages], connections: int, seconds: float, pause: float = 0.0
) -> Outcome:
    """Send the messages of each connection until they or the time are over."""
    outcome = Outcome()
    uvloop.run(_run(server.port, messages, connections, seconds, outcome, pause))
    return outcome


def _drive_both(
    server: Server, feeds: Callable[[int], Messages], clicks: Callable[[int], Messages] | None
) -> tuple[Outcome, Outcome]:
    found, events = Outcome(), Outcome()

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_run(server.port, feeds, _READERS, _FEED_SECONDS, found, _FEED_PAUSE))
            if clicks is not None:
                tasks.create_task(_run(server.port, clicks, _SENDERS, _FEED_SECONDS, events, _SENDERS / _TRICKLE))

    uvloop.run(both())
    return found, events


async def _run(
    port: int,
    messages: Callable[[int], Messages],
    connections: int,
    seconds: float,
    outcome: Outcome,
    pause: float,
) -> None:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + connections * _START_INTERVAL + seconds
    protocols = []
    for place in range(connections):
        connection = partial(_Connection, messages(place), until, outcome, pause)
        _, protocol = await loop.create_connection(connection, "127.0.0.1", port)
        protocols.append(protocol)
        await asyncio.sleep(_START_INTERVAL)  # connections that arrive together all go to one worker
        if place == connections - 1:
            outcome.seconds.clear()
    await asyncio.wait([protocol.closed for protocol in protocols], timeout=seconds + _PATIENCE)


def _clicks(draw: random.Random, readers: int, known: list[str], rows: int) -> Messages:
    while True:
        yield _post("/v1/events", {"events": [_click(draw, readers, known) for _ in range(rows)]})


@dataclass(frozen=True, slots=True)
class _Site:
    """Site key of a page, and the tokens of its readers."""

    key: str
    tokens: list[str]

    def posts(self, draw: random.Random, known: list[str], rows: int) -> Messages:
        """Yield requests of pages, each with `rows` clicks of one reader."""
        headers = f"Origin: {_ORIGIN}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n"
        while True:
            clicks = [
                {"id": uuid.uuid4().hex, "kind": "click", "article": draw.choice(known)} for _ in range(rows)
            ]
            yield _post(
                "/v1/collect", {"site_key": self.key, "token": draw.choice(self.tokens), "events": clicks}, headers
            )


@contextmanager
def _site(settings: Settings, readers: int) -> Iterator[_Site]:
    """Yield a site, and delete its key at the end: a service that ever had a key serves nobody without one."""
    with opened_application(settings) as app:
        tokens = open_reader_tokens(app)
        key, row = create_key(app, Scope.SITE, "benchmark", "benchmark", (_ORIGIN,))
        try:
            yield _Site(key, [tokens.mint(f"r{place:05d}", 3_600)[0] for place in range(readers)])
        finally:
            with app.database.write() as connection:
                connection.execute(sa.delete(api_keys).where(api_keys.c.id == row.id))


def _click(draw: random.Random, readers: int, known: list[str]) -> dict[str, object]:
    reader = f"r{draw.randrange(readers):05d}"
    return {"id": uuid.uuid4().hex, "reader": reader, "kind": "click", "article": draw.choice(known)}


def _feedback(readers: int, known: list[str]) -> Callable[[int], object]:
    draw = random.Random("feedback")

    def row(_: int) -> object:
        user, item = f"r{draw.randrange(readers):05d}", draw.choice(known)
        at = f"2026-11-2{draw.randrange(10) % 6}T10:00:{draw.randrange(60):02d}.{draw.randrange(10**6):06d}Z"
        return {"FeedbackType": "like", "UserId": user, "ItemId": item, "Timestamp": at}

    return row


def _items() -> Callable[[int], object]:
    def row(_: int) -> object:
        id_ = uuid.uuid4().hex
        return {
            "ItemId": id_,
            "Categories": ["local"],
            "Comment": f"Title of the article {id_}",
            "IsHidden": False,
        }

    return row


def _post(path: str, body: object, headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


if __name__ == "__main__":
    main()
