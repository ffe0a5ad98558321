"""Readers who ask for feeds over HTTP as fast as they are answered: a generator that takes little of a core.

It speaks plain HTTP/1.1 over streams, and reads of an answer no more than it needs.
"""

import asyncio
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

_STATUS = slice(9, 12)
_LENGTH = b"content-length:"
_APART = 0.05
"""Seconds between connections: those that come all at once are taken by one worker, and stay with it."""

_SHOWN = 10
"""A reader clicks on one of the first articles of a feed."""


@dataclass(slots=True)
class Traffic:
    """What became of the requests; seconds of each that was answered."""

    feeds: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Load:
    """How much to ask for. events: share of requests that store a click; feeds: as many at most."""

    readers: int
    connections: int
    seconds: float
    events: float = 0.0
    feeds: float = float("inf")


def drive(port: int, load: Load, seed: int = 7) -> Traffic:
    """Ask 127.0.0.1:`port` until the time is over, on all connections at once."""
    return asyncio.run(_drive(port, load, seed))


async def _drive(port: int, load: Load, seed: int) -> Traffic:
    traffic, until = Traffic(), time.perf_counter() + load.seconds
    readers = [_Reader(port, load, random.Random(f"{seed}-{i}"), traffic) for i in range(load.connections)]
    async with asyncio.TaskGroup() as asking:
        for reader in readers:
            asking.create_task(reader.ask_until(until))
            await asyncio.sleep(_APART)
    return traffic


class _Reader:
    """One connection. Each feed is another reader's; a click is on what the last feed showed."""

    def __init__(self, port: int, load: Load, draw: random.Random, traffic: Traffic) -> None:
        self._port, self._load, self._draw, self._traffic = port, load, draw, traffic
        self._click: dict[str, str] | None = None

    async def ask_until(self, until: float) -> None:
        source, sink = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            while time.perf_counter() < until and len(self._traffic.feeds) < self._load.feeds:
                await self._ask(source, sink)
        except (OSError, EOFError, ValueError) as error:
            self._traffic.errors.append(f"{type(error).__name__}: {error}")
        finally:
            sink.close()

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        click, self._click = self._click, None
        reader = f"r{self._draw.randrange(self._load.readers):05d}"
        began = time.perf_counter()
        sink.write(_get(f"/v1/feed/{reader}") if click is None else _post("/v1/events", {"events": [click]}))
        status, body = await _answer(source)
        taken = time.perf_counter() - began
        if status != b"200" or (click is not None and b'"accepted":1' not in body):
            self._traffic.errors.append(f"{status.decode()} {body[:200].decode(errors='replace')}")
        elif click is not None:
            self._traffic.events.append(taken)
        else:
            self._traffic.feeds.append(taken)
            if self._draw.random() < self._load.events / (1 - self._load.events):
                self._click = self._chosen(reader, json.loads(body))

    def _chosen(self, reader: str, told: dict[str, Any]) -> dict[str, str] | None:
        """A click on one of what was shown; None if nothing was."""
        shown = [item["id"] for item in told["items"][:_SHOWN]]
        if not shown:
            return None
        about = {"reader": reader, "article": self._draw.choice(shown), "request_id": told["request_id"]}
        return {"id": uuid.uuid4().hex, "kind": "click", **about}


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _post(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _answer(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Status and body. Every answer of the service tells its length."""
    head = await source.readuntil(b"\r\n\r\n")
    at = head.lower().index(_LENGTH) + len(_LENGTH)
    return head[_STATUS], await source.readexactly(int(head[at : head.index(b"\r", at)]))
