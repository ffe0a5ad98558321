"""Consumer of one topic: fetch a batch → store its rows → send dead letters → acknowledge.

A message is acknowledged only after its rows are committed, and its dead letters are stored by the broker. A crash
in between delivers it again, and its ids make the repetition harmless: each row is stored exactly once. One batch
is in hand at a time, so the order of the topic is the order of the log.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from api.application.context import Application
from api.application.stream_ingestion import StoredMessages, keep_dead_letters, store_messages, stream_rejects
from api.streams.back_off import BackOff
from api.streams.cloud_events import dead_letter_message
from api.streams.stream_broker import Broker
from api.streams.stream_metrics import StreamMetrics
from ingest.field_names import Kind
from ingest.pseudonyms import Pseudonyms
from ingest.stream_rows import StreamMessage
from recsys.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

_FETCH_SECONDS = 0.5
"""Longest wait for a message; a signal to stop waits as long."""

_LAG_SECONDS = 5.0
"""Time between two questions for the lag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """Options of a consumer.

    source: address of the topic, as dead letters show it. dead_letters: topic for rows that are not stored. kind:
    of all rows, None to find it for each. batch: most messages of one transaction. until_empty: end when no
    message waits.
    """

    source: str
    dead_letters: str
    kind: Kind | None = None
    batch: int = 1_000
    until_empty: bool = False


@dataclass(slots=True)
class ConsumerCounts:
    """Rows since the start by outcome, rejected rows by reason, and messages that wait (None: unknown)."""

    stored: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    waiting: int | None = None

    def add(self, batch: StoredMessages) -> None:
        """Add the rows of one batch."""
        self.stored += batch.stored
        self.duplicates += batch.duplicates
        self.rejected.update(letter.problem.reason for letter in batch.dead_letters)


Report = Callable[[ConsumerCounts], None]


class StreamConsumer:
    """Consumer of one process.

    Args:
        app: stores the rows.
        broker: not open yet.
        options: of this consumer.
        metrics: are updated with every batch.
        report: called every few seconds if the counts changed, and at the end.
    """

    def __init__(
        self, app: Application, broker: Broker, options: ConsumerOptions, metrics: StreamMetrics, report: Report
    ) -> None:
        self._app = app
        self._broker = broker
        self._options = options
        self._metrics = metrics
        self._report = report
        self._rejects = stream_rejects(app)
        self._pseudonyms = Pseudonyms(app.settings.pseudonym_secret)
        self._counts = ConsumerCounts()
        self._lag_at = 0.0
        self._reported = ConsumerCounts()

    async def run(self, stop: asyncio.Event) -> ConsumerCounts:
        """Consume until `stop` is set, or the topic is empty if the options say so; finish a batch in hand.

        A broker or database that is away is tried again, later and later.

        Raises:
            StoreError: the database refuses the rows for good.
            ConfigError: reject files cannot be written.
        """
        back_off = BackOff(stop)
        emptied = False
        while not stop.is_set() and not emptied:
            try:
                await self._broker.open()
                await self._broker.subscribe()
                emptied = await self._consume(stop, back_off)
            except self._broker.failures as error:
                self._metrics.note_failure("broker")
                logger.warning("the broker is away (%s); it is tried again", type(error).__name__)
                await back_off.pause()
            finally:
                await self._close()
        self._report(self._counts)
        return self._counts

    async def _consume(self, stop: asyncio.Event, back_off: BackOff) -> bool:
        """Store batches until `stop`; return True if the topic is empty and that ends the work."""
        while not stop.is_set():
            messages = await self._broker.fetch(self._options.batch, _FETCH_SECONDS)
            if messages and not await self._handle(messages, stop):
                return False
            back_off.succeeded()
            await self._note_lag(at_once=self._options.until_empty and not messages)
            if self._options.until_empty and not messages and not self._counts.waiting:
                return True
        return False

    async def _handle(self, messages: Sequence[StreamMessage], stop: asyncio.Event) -> bool:
        """Store one batch and acknowledge it; return False if `stop` was set while the database was away."""
        batch = await self._store(messages, stop)
        if batch is None:
            return False
        if batch.dead_letters:
            letters = [dead_letter_message(each, self._options.source) for each in batch.dead_letters]
            await self._broker.send(self._options.dead_letters, letters)
            await asyncio.to_thread(keep_dead_letters, self._rejects, batch.dead_letters, self._pseudonyms)
        await self._broker.acknowledge(messages)
        self._counts.add(batch)
        self._metrics.note_batch(batch)
        return True

    async def _store(self, messages: Sequence[StreamMessage], stop: asyncio.Event) -> StoredMessages | None:
        back_off = BackOff(stop)
        while True:
            try:
                return await store_messages(self._app, messages, self._options.kind, self._pseudonyms)
            except StoreUnavailableError as error:
                self._metrics.note_failure("database")
                logger.warning("the database is away (%s); the batch is tried again", type(error).__name__)
                await back_off.pause()
                if stop.is_set():
                    return None

    async def _note_lag(self, *, at_once: bool) -> None:
        if not at_once and time.monotonic() < self._lag_at + _LAG_SECONDS:
            return
        self._counts.waiting = await self._broker.waiting()
        self._lag_at = time.monotonic()
        self._metrics.note_waiting(self._counts.waiting)
        if not at_once and self._counts != self._reported:
            self._report(self._counts)
            self._reported = replace(self._counts, rejected=self._counts.rejected.copy())

    async def _close(self) -> None:
        try:
            await self._broker.close()
        except self._broker.failures:
            logger.debug("the broker was away at the end")
