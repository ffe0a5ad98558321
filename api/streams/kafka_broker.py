"""Kafka: a consumer group of one topic. Messages with one key are in one partition, which keeps their order.

Offsets are committed by hand, after the rows are stored. After a rebalance, the new owner of a partition starts at
the committed offset.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from api.streams.broker_address import BrokerAddress
from api.streams.stream_broker import OutgoingMessage, in_flight_parts
from ingest.stream_rows import StreamMessage


class KafkaBroker:
    """Adapter of Kafka. kafkas:// encrypts; a user and a password in the URL log in with SASL PLAIN."""

    failures: tuple[type[Exception], ...] = (KafkaError, OSError, TimeoutError)

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._options = _connection_options(address.url)
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Connect the sender: it waits until the server stores a message, and repeats none."""
        self._producer = AIOKafkaProducer(**self._options, enable_idempotence=True, acks="all")
        await self._producer.start()

    async def subscribe(self) -> None:
        """Join the group; it starts at the committed offsets, or with the first message."""
        self._consumer = AIOKafkaConsumer(
            self._address.topic,
            **self._options,
            group_id=self._address.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await self._consumer.start()

    async def fetch(self, most: int, seconds: float) -> Sequence[StreamMessage]:
        """Return messages; positions are TOPIC:PARTITION:OFFSET."""
        assert self._consumer is not None, "subscribe first"
        found = await self._consumer.getmany(timeout_ms=int(1_000 * seconds), max_records=most)
        return [_message(record) for records in found.values() for record in records]

    async def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """Commit the offsets after the messages."""
        assert self._consumer is not None, "subscribe first"
        # records of one partition are in order, so the last one counts
        offsets = {partition: offset + 1 for partition, offset in map(_place, messages)}
        await self._consumer.commit(offsets)

    async def waiting(self) -> int:
        """Return the messages after the committed offsets, in the partitions of this process."""
        assert self._consumer is not None, "subscribe first"
        partitions = self._consumer.assignment()
        ends = await self._consumer.end_offsets(list(partitions))
        return sum([end - (await self._consumer.committed(each) or 0) for each, end in ends.items()])

    async def send(self, topic: str, messages: Sequence[OutgoingMessage]) -> None:
        """Send messages; those with one key go to one partition, in order."""
        assert self._producer is not None, "open first"
        for part in in_flight_parts(messages):
            confirmations = [
                await self._producer.send(
                    topic,
                    each.body,
                    key=each.key.encode() or None,
                    headers=[("id", each.id.encode()), *((k, v.encode()) for k, v in each.headers.items())],
                )
                for each in part
            ]
            await asyncio.gather(*confirmations)

    async def close(self) -> None:
        """Leave the group, and disconnect."""
        for part in (self._consumer, self._producer):
            if part is not None:
                await part.stop()
        self._consumer = self._producer = None


def _connection_options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    encrypted, named = parts.scheme == "kafkas", parts.username is not None
    options: dict[str, Any] = {
        "bootstrap_servers": parts.netloc.rpartition("@")[2],
        "security_protocol": f"{'SASL_' if named else ''}{'SSL' if encrypted else 'PLAINTEXT'}",
    }
    if encrypted:
        options["ssl_context"] = ssl.create_default_context()
    if named:
        options |= {
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": unquote(parts.username or ""),
            "sasl_plain_password": unquote(parts.password or ""),
        }
    return options


def _place(message: StreamMessage) -> tuple[Any, int]:
    record: Any = message.handle
    return TopicPartition(record.topic, record.partition), int(record.offset)


def _message(record: Any) -> StreamMessage:
    return StreamMessage(
        body=record.value or b"",
        position=f"{record.topic}:{record.partition}:{record.offset}",
        headers={name.lower(): value.decode(errors="replace") for name, value in record.headers},
        at=record.timestamp * 1_000 if record.timestamp > 0 else None,
        handle=record,
    )
