"""A broker in memory, which fails at chosen calls."""

from collections.abc import Iterator, Sequence

from api.streams.stream_broker import OutgoingMessage
from ingest.stream_rows import StreamMessage


class MemoryBroker:
    """One topic with one group. `fails` says for each call, in turn, whether it fails before or after its work."""

    failures: tuple[type[Exception], ...] = (ConnectionError,)

    def __init__(self, bodies: Sequence[bytes], fails: Sequence[str] = ()) -> None:
        self.sent: dict[str, list[OutgoingMessage]] = {}
        self.acknowledged = 0
        self._messages = [StreamMessage(body, f"topic:{number}") for number, body in enumerate(bodies)]
        self._fails: Iterator[str] = iter(fails)
        self._read = 0

    async def open(self) -> None:
        self._read = self.acknowledged

    async def subscribe(self) -> None:
        self._fail(next(self._fails, ""), "before")

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        self._fail(next(self._fails, ""), "before")
        found = self._messages[self._read : self._read + most]
        self._read += len(found)
        return found

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        failure = next(self._fails, "")
        self._fail(failure, "before")
        self.acknowledged += len(messages)
        self._fail(failure, "after")

    async def waiting(self) -> int:
        return len(self._messages) - self.acknowledged

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        failure = next(self._fails, "")
        self._fail(failure, "before")
        self.sent.setdefault(topic, []).extend(messages)
        self._fail(failure, "after")

    async def close(self) -> None:
        self._read = self.acknowledged

    def _fail(self, failure: str, moment: str) -> None:
        if failure == moment:
            raise ConnectionError("away")
