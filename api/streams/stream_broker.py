"""The interface of message brokers: one topic to read in order, in batches, and topics to send to.

An adapter uses the broker's own client library, and lets its errors pass: `failures` lists those after which the
broker may be opened again.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ingest.stream_rows import StreamMessage

T = TypeVar("T")

_IN_FLIGHT = 500
"""Messages that are sent before their confirmations are awaited."""

_GATHER_SECONDS, _MOST_GATHER_SECONDS = 0.002, 0.1
"""Gap that ends a batch which is not full, and the longest wait for more of it."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """Message to send. id: the same at every repetition. key: messages with one key keep their order."""

    id: str
    body: bytes
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """Connection to one broker. It delivers messages again until they are acknowledged, in the topic's order."""

    failures: tuple[type[Exception], ...]
    """Errors of a broker that is away, or goes away."""

    async def open(self) -> None:
        """Connect."""

    async def subscribe(self) -> None:
        """Start to read the topic, at the first message that the group has not acknowledged; create what lacks."""

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return up to `most` messages in order; wait up to `seconds` for the first one."""

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Acknowledge all messages of the last `fetch`; they are not delivered again."""

    async def waiting(self) -> int:
        """Return the number of messages of the topic that the group has not acknowledged."""

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Send messages in order, and return once the broker has stored them all; create a topic that lacks."""

    async def close(self) -> None:
        """Disconnect; a broker that is away is no error."""


async def take(queue: asyncio.Queue[T], most: int, seconds: float) -> list[T]:
    """Return up to `most` items of a queue that is filled in the background; wait for the first one.

    More are gathered until none comes for 2 ms, and at most for 0.1 s: a transaction costs as much for ten rows as
    for a thousand.

    Raises:
        TimeoutError: none came within `seconds`.
    """
    found = [await asyncio.wait_for(queue.get(), seconds)]
    until = time.monotonic() + _MOST_GATHER_SECONDS
    while len(found) < most:
        if queue.empty() and time.monotonic() < until:
            await asyncio.sleep(_GATHER_SECONDS)
        if queue.empty():
            break
        found.append(queue.get_nowait())
    return found


def in_flight_parts(messages: Sequence[OutgoingMessage]) -> Iterator[Sequence[OutgoingMessage]]:
    """Yield the messages in parts; the confirmations of one are awaited before the next is sent."""
    for start in range(0, len(messages), _IN_FLIGHT):
        yield messages[start : start + _IN_FLIGHT]
