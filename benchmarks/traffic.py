"""Readers who ask for feeds over HTTP as fast as they are answered: a generator that takes little of a core.

It speaks plain HTTP/1.1 over streams, and reads of an answer no more than it needs.
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
_APART = 0.05
"""Seconds between connections: those that come all at once are taken by one worker, and stay with it."""

_SHOWN = 10
"""A reader clicks on one of the first articles of a feed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and when it was asked for and came, in seconds of `time.perf_counter`.

    head: status line and headers, lower case; event: id of the click that was sent, None if a feed was asked for.
    """

    asked: float
    came: float
    head: bytes
    body: bytes
    event: str | None = None

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return int(self.head[_STATUS])

    @property
    def wanted(self) -> bool:
        """Whether it is a feed, or says that the event is stored."""
        return self.status == 200 and (self.event is None or b'"accepted":1' in self.body)


Hear = Callable[[Answer], None]


@dataclass(slots=True)
class Traffic:
    """What became of the requests; seconds of each that was answered. broken: connections that ended too soon."""

    feeds: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """All that went wrong."""
        return [*self.errors, *self.broken]

    def count(self, answer: Answer) -> None:
        """Take in an answer: its seconds, or what is wrong with it."""
        if not answer.wanted:
            self.errors.append(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
            return
        (self.feeds if answer.event is None else self.events).append(answer.came - answer.asked)


@dataclass(frozen=True, slots=True)
class Load:
    """How much to ask for.

    events: share of requests that store a click; feeds: as many at most; pages: share of feeds whose next page is
    asked for, itself a feed.
    """

    readers: int
    connections: int
    seconds: float
    events: float = 0.0
    feeds: float = float("inf")
    pages: float = 0.0


def drive(port: int, load: Load, seed: int = 7, update: Hear | None = None) -> Traffic:
    """Ask 127.0.0.1:`port` until the time is over, on all connections at once; `update` gets every answer."""
    return asyncio.run(_drive(port, load, seed, update))


async def _drive(port: int, load: Load, seed: int, update: Hear | None) -> Traffic:
    traffic, until = Traffic(), time.perf_counter() + load.seconds
    draws = [random.Random(f"{seed}-{i}") for i in range(load.connections)]
    async with asyncio.TaskGroup() as asking:
        for draw in draws:
            asking.create_task(_Reader(port, load, draw, traffic, update).ask_until(until))
            await asyncio.sleep(_APART)
    return traffic


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent for a reader; event: id of the click in it."""

    reader: str
    content: bytes
    event: str | None = None


class _Reader:
    """One connection. Each feed is another reader's; a click is on what the last feed showed."""

    def __init__(self, port: int, load: Load, draw: random.Random, traffic: Traffic, update: Hear | None) -> None:
        self._port, self._load, self._draw, self._traffic, self._hear = port, load, draw, traffic, update
        self._next: _Request | None = None

    async def ask_until(self, until: float) -> None:
        source, sink = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            while time.perf_counter() < until and len(self._traffic.feeds) < self._load.feeds:
                await self._ask(source, sink)
        except (OSError, EOFError, ValueError) as error:
            self._traffic.broken.append(f"{type(error).__name__}: {error}")
        finally:
            sink.close()

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        request = self._next or self._feed()
        began = time.perf_counter()
        sink.write(request.content)
        head, body = await _answer(source)
        answer = Answer(began, time.perf_counter(), head, body, request.event)
        self._traffic.count(answer)
        if self._hear is not None:
            self._hear(answer)
        self._next = self._after(request.reader, body) if answer.wanted and request.event is None else None

    def _feed(self) -> _Request:
        reader = f"r{self._draw.randrange(self._load.readers):05d}"
        return _Request(reader, _get(f"/v1/feed/{reader}"))

    def _after(self, reader: str, body: bytes) -> _Request | None:
        """What follows a feed: a click, its next page, or nothing."""
        if self._draw.random() < self._load.events / (1 - self._load.events):
            return self._click(reader, json.loads(body))
        if self._load.pages and self._draw.random() < self._load.pages:
            cursor = json.loads(body)["cursor"]
            return cursor and _Request(reader, _get(f"/v1/feed/{reader}?cursor={cursor}"))
        return None

    def _click(self, reader: str, told: dict[str, Any]) -> _Request | None:
        """A click on one of what was shown; None if nothing was."""
        shown = [item["id"] for item in told["items"][:_SHOWN]]
        if not shown:
            return None
        event = uuid.uuid4().hex
        about = {"reader": reader, "article": self._draw.choice(shown), "request_id": told["request_id"]}
        content = _post("/v1/events", {"events": [{"id": event, "kind": "click", **about}]})
        return _Request(reader, content, event)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _post(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _answer(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head in lower case, and body. Every answer of the service tells its length."""
    head = (await source.readuntil(b"\r\n\r\n")).lower()
    at = head.index(_LENGTH) + len(_LENGTH)
    return head, await source.readexactly(int(head[at : head.index(b"\r", at)]))
