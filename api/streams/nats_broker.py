"""NATS JetStream: a durable pull consumer of one subject.

After a crash, JetStream would deliver what was not acknowledged only after a pause, and behind newer messages. So
a consumer with such messages is made again, at the first of them: the order of the stream stays. One process
reads a group at a time.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import OutgoingMessage, in_flight_parts, take
from ingest.stream_rows import StreamMessage

_SECONDS = 10.0
"""Longest wait for an answer of the server."""

_ACK_SECONDS = 60.0
"""Time after which JetStream delivers a message again to a consumer that is alive."""

_REQUEST_SECONDS = 30.0
"""Time after which the server ends a request for messages, so that another one is made."""

_STATUS = "Status"
"""Header of messages by which the server ends a request for messages."""

_NO_MORE = ("404", "408")
"""Statuses of a request that ended without enough messages; any other one means that the consumer is gone."""

_ID_HEADER = "Nats-Msg-Id"
"""JetStream drops a second message with the same id within two minutes."""


class NatsBroker:
    """Adapter of NATS JetStream. A stream is created, on disk, if none has the subject."""

    failures: tuple[type[Exception], ...] = (nats.errors.Error, OSError, TimeoutError)

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._client: Client
        self._stream: JetStreamContext
        self._inbox = ""
        self._requests = ""
        self._requested = 0
        self._lost = False
        self._delivered: asyncio.Queue[Msg]
        self._streams: dict[str, str] = {}

    async def open(self) -> None:
        """Connect, without the client's own reconnection: the caller opens again."""
        self._streams = {}
        self._client = await nats.connect(
            self._address.url,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # of this call, too: by default it tries for two minutes
            reconnect_time_wait=0,
            connect_timeout=5,
            error_cb=_ignore_callback,
        )
        self._stream = self._client.jetstream(timeout=_SECONDS)

    async def subscribe(self) -> None:
        """Read the subject from the first message that is not acknowledged."""
        subject, group = self._address.topic, self._address.group
        name = await self._stream_of(subject)
        found = await self._consumer(name)
        if found is not None and found.num_ack_pending:
            await self._stream.delete_consumer(name, group)
        if found is None or found.num_ack_pending:
            floor = None if found is None or found.ack_floor is None else found.ack_floor.stream_seq
            await self._stream.add_consumer(name, _consumer_config(group, subject, floor))
        self._requests = f"$JS.API.CONSUMER.MSG.NEXT.{name}.{group}"
        self._delivered, self._requested, self._lost = asyncio.Queue(), 0, False
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(self._inbox, cb=self._receive)

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return messages; positions are STREAM:SEQUENCE."""
        if not self._requested and self._delivered.empty():
            await self._request(most)
        try:
            found = await take(self._delivered, most, seconds)
        except TimeoutError:
            if self._lost or not self._client.is_connected:
                raise
            return []
        return [_message(each) for each in found]

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Acknowledge the last message, and with it all before; wait until the server knows it."""
        last = messages[-1].handle
        assert isinstance(last, Msg)
        await last.ack_sync(timeout=_SECONDS)

    async def waiting(self) -> int:
        """Return the messages of the subject that are not acknowledged."""
        found = await self._consumer(await self._stream_of(self._address.topic))
        return 0 if found is None else (found.num_pending or 0) + (found.num_ack_pending or 0)

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Send to a subject; the headers contain the id, so JetStream drops repetitions within two minutes."""
        await self._stream_of(topic)
        for part in in_flight_parts(messages):
            confirmations = [
                await self._stream.publish_async(
                    topic, each.body, wait_stall=_SECONDS, headers={**each.headers, _ID_HEADER: each.id}
                )
                for each in part
            ]
            await asyncio.wait_for(asyncio.gather(*confirmations), _SECONDS)

    async def close(self) -> None:
        """Disconnect."""
        if hasattr(self, "_client") and not self._client.is_closed:
            await self._client.close()

    async def _request(self, messages: int) -> None:
        """Ask for the next messages. The client's own `fetch` does the same, at twice the cost of a message."""
        self._requested = messages
        wanted = {"batch": messages, "expires": int(_REQUEST_SECONDS * 1_000_000_000)}
        await self._client.publish(self._requests, json.dumps(wanted).encode(), reply=self._inbox)

    async def _receive(self, message: Msg) -> None:
        status = (message.headers or {}).get(_STATUS)
        if status is None or message.data:
            self._requested = max(0, self._requested - 1)
            self._delivered.put_nowait(message)
        else:
            self._requested = 0
            self._lost = status not in _NO_MORE

    async def _consumer(self, stream: str) -> ConsumerInfo | None:
        try:
            found: ConsumerInfo = await self._stream.consumer_info(stream, self._address.group)
        except NotFoundError:
            return None
        return found

    async def _stream_of(self, subject: str) -> str:
        """Return the stream of a subject, a new one if there is none."""
        if subject not in self._streams:
            try:
                name = await self._stream.find_stream_name_by_subject(subject)
            except NotFoundError:
                name = subject.replace(".", "-").replace("/", "-")
                config = StreamConfig(name=name, subjects=[subject], storage=StorageType.FILE)
                await self._stream.add_stream(config)
            self._streams[subject] = name
        return self._streams[subject]


def _consumer_config(group: str, subject: str, floor: int | None) -> ConsumerConfig:
    """Return a consumer that starts after the sequence number `floor`; at the first message for None."""
    config = ConsumerConfig(
        durable_name=group,
        filter_subject=subject,
        ack_policy=AckPolicy.ALL,
        ack_wait=_ACK_SECONDS,
        max_ack_pending=10_000,
    )
    if floor is None:
        return config.evolve(deliver_policy=DeliverPolicy.ALL)
    return config.evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=floor + 1)


def _message(received: Msg) -> StreamMessage:
    metadata = received.metadata
    at = metadata.timestamp.replace(tzinfo=metadata.timestamp.tzinfo or UTC)
    return StreamMessage(
        body=received.data,
        position=f"{metadata.stream}:{metadata.sequence.stream}",
        headers={name.lower(): value for name, value in (received.headers or {}).items()},
        at=int(at.timestamp() * 1_000_000),
        handle=received,
    )


async def _ignore_callback(_error: Exception) -> None:
    """Leave errors to the calls that fail: the client reports each of them a second time here."""
