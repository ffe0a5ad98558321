"""Redis Streams: a consumer group with one consumer.

The consumer has the name of its group, so after a crash it first reads again what it had not acknowledged, in
order. One process reads a group at a time.
"""

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import OutgoingMessage
from ingest.stream_rows import StreamMessage

BODY = "data"
"""Field of an entry that contains the body; the other fields are headers."""

_SECONDS = 10.0
_NEW = ">"
"""Id that stands for entries that no consumer of the group has read."""


class RedisBroker:
    """Adapter of Redis Streams. Redis should write its log to disk at every command: `appendfsync always`."""

    failures: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._client: Redis
        self._after = "0"

    async def open(self) -> None:
        """Connect."""
        self._client = Redis.from_url(
            self._address.url, protocol=2, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        )
        await self._client.ping()

    async def subscribe(self) -> None:
        """Create stream and group if they do not exist; start with the entries that are not acknowledged."""
        self._after = "0"
        try:
            await self._client.xgroup_create(self._address.topic, self._address.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # the group exists already
                raise

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return entries; positions are STREAM:ID."""
        found = await self._read(most, seconds)
        if not found and self._after != _NEW:
            self._after = _NEW
            found = await self._read(most, seconds)
        elif found and self._after != _NEW:
            self._after = found[-1][0].decode()
        return [_message(self._address.topic, id_.decode(), fields or {}) for id_, fields in found]

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Acknowledge entries."""
        topic, group = self._address.topic, self._address.group
        await self._client.xack(topic, group, *(str(message.handle) for message in messages))

    async def waiting(self) -> int:
        """Return the entries that the group has not acknowledged."""
        groups = await self._client.xinfo_groups(self._address.topic)
        for group in groups:
            if group["name"].decode() == self._address.group:
                lag = group.get("lag")  # unknown after deletions, and before Redis 7
                unread = await self._client.xlen(self._address.topic) if lag is None else lag
                return int(unread) + int(group["pending"])
        return 0

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Append entries with the fields `id`, the headers, and `data`."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for each in messages:
                entry: dict[Any, Any] = {"id": each.id, **each.headers, BODY: each.body}
                pipeline.xadd(topic, entry)
            await pipeline.execute()

    async def close(self) -> None:
        """Disconnect."""
        if hasattr(self, "_client"):
            await self._client.aclose()

    async def _read(self, most: int, seconds: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
        # the server blocks a shorter time than the socket waits for its answer
        block = max(1, int(1_000 * min(seconds, _SECONDS / 2))) if self._after == _NEW else None
        found: Any = await self._client.xreadgroup(
            self._address.group,
            self._address.group,
            {self._address.topic: self._after},
            count=most,
            block=block,
        )
        entries: list[tuple[bytes, dict[bytes, bytes]]] = found[0][1] if found else []
        return entries


def _message(topic: str, id_: str, fields: dict[bytes, bytes]) -> StreamMessage:
    """Return an entry. One without the field `data` is itself the row."""
    texts = {name.decode(errors="replace"): value for name, value in fields.items()}
    body = texts.pop(BODY, None)
    headers = {name.lower(): value.decode(errors="replace") for name, value in texts.items()}
    if body is None:
        body = json.dumps({name: value.decode(errors="replace") for name, value in texts.items()}).encode()
    at = 1_000 * int(id_.partition("-")[0])
    return StreamMessage(body=body, position=f"{topic}:{id_}", headers=headers, at=at, handle=id_)
