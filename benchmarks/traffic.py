"""Load generator: readers who request feeds over HTTP as fast as they are answered. It uses little CPU.

It uses plain HTTP/1.1 over streams, and parses only the necessary parts of an answer.
"""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_STATUS = slice(9, 12)
_LENGTH = b"content-length:"
_START_INTERVAL = 0.05
"""Seconds between new connections: connections that arrive together all go to one worker, and stay there."""

_SHOWN = 10
"""A reader clicks on one of the first articles of a feed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer, with the times of request and answer in seconds of `time.perf_counter`.

    head: status line and headers, lower case; event: id of the click in the request, None for a feed.
    """

    sent: float
    received: float
    head: bytes
    body: bytes
    event: str | None = None

    @property
    def status(self) -> int:
        """HTTP status."""
        return int(self.head[_STATUS])

    @property
    def succeeded(self) -> bool:
        """True for a feed, or an event that is stored."""
        return self.status == 200 and (self.event is None or b'"accepted":1' in self.body)


Update = Callable[[Answer], None]


@dataclass(slots=True)
class Traffic:
    """Outcomes of requests: seconds of each answer, and errors. broken: connections that ended too soon."""

    feeds: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """All errors."""
        return [*self.errors, *self.broken]

    def count(self, answer: Answer) -> None:
        """Add an answer: its seconds, or its error."""
        if not answer.succeeded:
            self.errors.append(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
            return
        (self.feeds if answer.event is None else self.events).append(answer.received - answer.sent)


@dataclass(frozen=True, slots=True)
class Load:
    """Amount of load.

    events: share of requests that store a click; feeds: maximum number; pages: share of feeds whose next page is
    requested too, which is itself a feed.
    """

    readers: int
    connections: int
    seconds: float
    events: float = 0.0
    feeds: float = float("inf")
    pages: float = 0.0


def drive(port: int, load: Load, seed: int = 7, update: Update | None = None) -> Traffic:
    """Send requests to 127.0.0.1:`port` on all connections until the time is over; `update` gets every answer."""
    return asyncio.run(_drive(port, load, seed, update))


async def _drive(port: int, load: Load, seed: int, update: Update | None) -> Traffic:
    traffic, until = Traffic(), time.perf_counter() + load.seconds
    draws = [random.Random(f"{seed}-{i}") for i in range(load.connections)]
    async with asyncio.TaskGroup() as readers:
        for draw in draws:
            readers.create_task(_Reader(port, load, draw, traffic, update).run_until(until))
            await asyncio.sleep(_START_INTERVAL)
    return traffic


@dataclass(frozen=True, slots=True)
class _Request:
    """Request of a reader; event: id of the click in it."""

    reader: str
    content: bytes
    event: str | None = None


class _Reader:
    """One connection. Each feed is for another reader; a click is on an article of the last feed."""

    def __init__(
        self, port: int, load: Load, draw: random.Random, traffic: Traffic, update: Update | None
    ) -> None:
        self._port, self._load, self._draw, self._traffic, self._update = port, load, draw, traffic, update
        self._next: _Request | None = None

    async def run_until(self, until: float) -> None:
        source, sink = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            while time.perf_counter() < until and len(self._traffic.feeds) < self._load.feeds:
                await self._request(source, sink)
        except (OSError, EOFError, ValueError) as error:
            self._traffic.broken.append(f"{type(error).__name__}: {error}")
        finally:
            sink.close()

    async def _request(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        request = self._next or self._feed()
        started = time.perf_counter()
        sink.write(request.content)
        head, body = await _answer(source)
        answer = Answer(started, time.perf_counter(), head, body, request.event)
        self._traffic.count(answer)
        if self._update is not None:
            self._update(answer)
        self._next = self._after(request.reader, body) if answer.succeeded and request.event is None else None

    def _feed(self) -> _Request:
        reader = f"r{self._draw.randrange(self._load.readers):05d}"
        return _Request(reader, _get(f"/v1/feed/{reader}"))

    def _after(self, reader: str, body: bytes) -> _Request | None:
        """Return the request after a feed: a click, the next page, or None."""
        if self._draw.random() < self._load.events / (1 - self._load.events):
            return self._click(reader, json.loads(body))
        if self._load.pages and self._draw.random() < self._load.pages:
            cursor = json.loads(body)["cursor"]
            return cursor and _Request(reader, _get(f"/v1/feed/{reader}?cursor={cursor}"))
        return None

    def _click(self, reader: str, content: dict[str, Any]) -> _Request | None:
        """Return a click on one of the shown articles; None for an empty feed."""
        shown = [item["id"] for item in content["items"][:_SHOWN]]
        if not shown:
            return None
        event = uuid.uuid4().hex
        about = {"reader": reader, "article": self._draw.choice(shown), "request_id": content["request_id"]}
        message = _post("/v1/events", {"events": [{"id": event, "kind": "click", **about}]})
        return _Request(reader, message, event)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _post(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _answer(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the head in lower case, and the body. Every answer of the service has a content length."""
    head = (await source.readuntil(b"\r\n\r\n")).lower()
    at = head.index(_LENGTH) + len(_LENGTH)
    return head, await source.readexactly(int(head[at : head.index(b"\r", at)]))
