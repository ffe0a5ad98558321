"""RabbitMQ: a durable queue with one active consumer.

A queue that does not exist is created with `x-single-active-consumer`, so several processes may read it: one does,
and another takes over if that one dies. RabbitMQ puts what was not acknowledged back at its place in the queue.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection, ArgumentsType, DeliveredMessage
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, ChannelNotFoundEntity
from pamqp.commands import Basic

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import OutgoingMessage, in_flight_parts, take
from ingest.stream_rows import StreamMessage

_SECONDS = 10.0

_PERSISTENT = 2
"""Delivery mode of messages that survive a restart of the server."""


class RabbitBroker:
    """Adapter of RabbitMQ. Topics are names of queues of the default exchange.

    Args:
        address: of the queue.
        prefetch: messages of a batch; the server sends twice as many before an acknowledgement.
    """

    failures: tuple[type[Exception], ...] = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)

    def __init__(self, address: BrokerAddress, prefetch: int) -> None:
        self._address = address
        self._prefetch = prefetch
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel
        self._delivered: asyncio.Queue[DeliveredMessage]
        self._queues: set[str]

    async def open(self) -> None:
        """Connect, and ask for confirmations of what is sent."""
        self._connection = await asyncio.wait_for(aiormq.connect(self._address.url), _SECONDS)
        self._channel = await self._connection.channel(publisher_confirms=True)
        self._delivered = asyncio.Queue()
        self._queues = set()

    async def subscribe(self) -> None:
        """Start the delivery of the queue. The server sends the next batch while one is stored."""
        await self._require_queue(self._address.topic, {"x-single-active-consumer": True})
        await self._channel.basic_qos(prefetch_count=2 * self._prefetch, timeout=_SECONDS)
        await self._channel.basic_consume(self._address.topic, self._delivered.put, timeout=_SECONDS)

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return messages. RabbitMQ numbers none: positions are their ids, else hashes of properties and body."""
        try:
            found = await take(self._delivered, most, seconds)
        except TimeoutError:
            if self._channel.is_closed:
                raise
            return []
        return [_message(self._address.topic, each) for each in found]

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Acknowledge the last message, and with it all before."""
        tag = messages[-1].handle
        assert isinstance(tag, int)
        await self._channel.basic_ack(tag, multiple=True)

    async def waiting(self) -> int:
        """Return the messages of the queue that no consumer has, and those that were delivered here."""
        found = await self._channel.queue_declare(self._address.topic, passive=True, timeout=_SECONDS)
        return (found.message_count or 0) + self._delivered.qsize()

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Send persistent messages to a queue, and await the server's confirmations."""
        await self._require_queue(topic, None)
        for part in in_flight_parts(messages):
            sent = (
                self._channel.basic_publish(
                    each.body, routing_key=topic, properties=_properties(each), timeout=_SECONDS
                )
                for each in part
            )
            await asyncio.gather(*sent)

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None and not self._connection.is_closed:
            await self._connection.close()

    async def _require_queue(self, name: str, arguments: ArgumentsType | None) -> None:
        """Create a durable queue with `arguments`; leave one that exists as it is."""
        if name in self._queues:
            return
        assert self._connection is not None, "open first"
        probe = await self._connection.channel()
        try:
            await probe.queue_declare(name, passive=True, timeout=_SECONDS)
        except ChannelNotFoundEntity:  # the server has closed the channel of the probe
            await self._channel.queue_declare(name, durable=True, arguments=arguments, timeout=_SECONDS)
        else:
            await probe.close()
        self._queues.add(name)


def _properties(message: OutgoingMessage) -> Basic.Properties:
    return Basic.Properties(
        headers=dict(message.headers),
        content_type=message.headers.get("content-type"),
        message_id=message.id,
        delivery_mode=_PERSISTENT,
    )


def _message(topic: str, received: DeliveredMessage) -> StreamMessage:
    properties = received.header.properties
    headers = {str(name).lower(): _text(value) for name, value in (properties.headers or {}).items()}
    sent_at = properties.timestamp
    at = None if sent_at is None else int(sent_at.replace(tzinfo=sent_at.tzinfo or UTC).timestamp() * 1_000_000)
    named = properties.message_id
    if not named:
        digest = hashlib.blake2b(received.body, digest_size=16)
        digest.update(repr((at, sorted(headers.items()))).encode(errors="replace"))
        named = f"hash/{digest.hexdigest()}"
    return StreamMessage(
        body=received.body, position=f"{topic}:{named}", headers=headers, at=at, handle=received.delivery_tag
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
