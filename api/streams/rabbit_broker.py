"""RabbitMQ: a durable queue with one active consumer.

A queue that does not exist is created with `x-single-active-consumer`, so several processes may read it: one does,
and another takes over if that one dies. RabbitMQ puts what was not acknowledged back at its place in the queue.
"""

import asyncio
import hashlib
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue, Arguments
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import OutgoingMessage
from ingest.stream_rows import StreamMessage

_SECONDS = 10.0
_IN_FLIGHT = 500
"""Messages that are sent before their confirmations are awaited."""


class RabbitBroker:
    """Adapter of RabbitMQ. Topics are names of queues of the default exchange.

    Args:
        address: of the queue.
        prefetch: most messages that the server sends before an acknowledgement.
    """

    failures: tuple[type[Exception], ...] = (
        AMQPError, aio_pika.exceptions.ChannelInvalidStateError, OSError, TimeoutError,
    )  # fmt: skip

    def __init__(self, address: BrokerAddress, prefetch: int) -> None:
        self._address = address
        self._prefetch = prefetch
        self._connection: AbstractConnection
        self._channel: AbstractChannel
        self._delivered: asyncio.Queue[AbstractIncomingMessage]
        self._queues: dict[str, AbstractQueue]

    async def open(self) -> None:
        """Connect, without the client's own reconnection: the caller opens again."""
        self._connection = await aio_pika.connect(self._address.url, timeout=_SECONDS)
        self._channel = await self._connection.channel(publisher_confirms=True)
        self._delivered = asyncio.Queue()
        self._queues = {}

    async def subscribe(self) -> None:
        """Start the delivery of the queue; the server sends as much as `prefetch` allows."""
        queue = await self._queue(self._address.topic, single_active=True)
        await self._channel.set_qos(prefetch_count=self._prefetch)
        await queue.consume(self._delivered.put, timeout=_SECONDS)

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return messages. RabbitMQ numbers none: positions are their ids, else hashes of properties and body."""
        try:
            found = [await asyncio.wait_for(self._delivered.get(), seconds)]
        except TimeoutError:
            if self._connection.is_closed or self._channel.is_closed:
                raise
            return []
        while len(found) < most and not self._delivered.empty():
            found.append(self._delivered.get_nowait())
        return [_message(each) for each in found]

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Acknowledge the last message, and with it all before."""
        last = messages[-1].handle
        assert isinstance(last, AbstractIncomingMessage)
        await last.ack(multiple=True)

    async def waiting(self) -> int:
        """Return the messages of the queue that no consumer has, and those that were delivered here."""
        queue = await self._channel.declare_queue(self._address.topic, passive=True, timeout=_SECONDS)
        return (queue.declaration_result.message_count or 0) + self._delivered.qsize()

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Send persistent messages to a queue, and await the server's confirmations."""
        await self._queue(topic, single_active=False)
        exchange = self._channel.default_exchange
        for start in range(0, len(messages), _IN_FLIGHT):
            sent = (
                exchange.publish(_outgoing(each), topic, timeout=_SECONDS)
                for each in messages[start : start + _IN_FLIGHT]
            )
            await asyncio.gather(*sent)

    async def close(self) -> None:
        """Disconnect."""
        if hasattr(self, "_connection") and not self._connection.is_closed:
            await self._connection.close()

    async def _queue(self, name: str, *, single_active: bool) -> AbstractQueue:
        """Return a queue as it is, or create it."""
        if name not in self._queues:
            probe = await self._connection.channel()
            try:
                await probe.declare_queue(name, passive=True, timeout=_SECONDS)
            except ChannelNotFoundEntity:  # the server has closed the channel of the probe
                arguments: Arguments = {"x-single-active-consumer": True} if single_active else None
                found = await self._channel.declare_queue(name, durable=True, arguments=arguments)
            else:
                await probe.close()
                found = await self._channel.get_queue(name, ensure=False)
            self._queues[name] = found
        return self._queues[name]


def _outgoing(message: OutgoingMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers=dict(message.headers),
        content_type=message.headers.get("content-type"),
        message_id=message.id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _message(received: AbstractIncomingMessage) -> StreamMessage:
    headers = {str(name).lower(): _text(value) for name, value in received.headers.items()}
    at = None if received.timestamp is None else int(received.timestamp.timestamp() * 1_000_000)
    named = received.message_id
    digest = hashlib.blake2b(received.body, digest_size=16)
    digest.update(repr((at, sorted(headers.items()))).encode(errors="replace"))
    return StreamMessage(
        body=received.body,
        position=f"id:{named}" if named else f"hash:{digest.hexdigest()}",
        headers=headers,
        at=at,
        handle=received,
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
