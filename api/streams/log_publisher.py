"""Publisher of the log: events and slates go to one topic, in the order of the log.

The position of each destination is saved after the broker has stored a batch. So a crash repeats at most one
batch, with the same ids. The log is the outbox: whatever was committed is sent, from every door and process.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from api.application.context import Application
from api.application.log_mirror import note_mirrored, rows_to_mirror, unmirrored_rows
from api.streams.back_off import BackOff
from api.streams.cloud_events import log_row_message
from api.streams.stream_broker import Broker
from recsys.errors import StoreUnavailableError
from recsys.store.log_outbox import Outbox

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
"""Pause after which the log is read again, once all rows are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherOptions:
    """Options of a publisher. destination: name of its saved position. once: end when all rows are sent."""

    topic: str
    destination: str
    batch: int = 1_000
    once: bool = False


class LogPublisher:
    """Publisher of one process; run one for a destination.

    Args:
        app: has the log.
        broker: not open yet.
        options: of this publisher.
        report: called with rows sent, and rows that wait, whenever all rows are sent, and at the end.
    """

    def __init__(
        self, app: Application, broker: Broker, options: PublisherOptions, report: Callable[[int, int], None]
    ) -> None:
        self._app = app
        self._broker = broker
        self._options = options
        self._report = report
        self._outbox = Outbox()
        self._sent = 0

    async def run(self, stop: asyncio.Event) -> int:
        """Send until `stop` is set, or until the log ends if the options say so; return the number of rows sent.

        A broker or database that is away is tried again, later and later.
        """
        back_off = BackOff(stop)
        ended = False
        while not stop.is_set() and not ended:
            try:
                await self._broker.open()
                ended = await self._send_all(stop, back_off)
            except StoreUnavailableError as error:
                logger.warning("the database is away (%s); it is tried again", type(error).__name__)
                await back_off.pause()
            except self._broker.failures as error:
                logger.warning("the broker is away (%s); it is tried again", type(error).__name__)
                await back_off.pause()
            finally:
                await self._close()
        return self._sent

    async def _send_all(self, stop: asyncio.Event, back_off: BackOff) -> bool:
        """Send batches until `stop`; return True if the log has ended and that ends the work."""
        reported = -1
        while not stop.is_set():
            if await self._send_batch():
                back_off.succeeded()
                continue
            if reported != self._sent:
                self._report(self._sent, unmirrored_rows(self._app, self._options.destination))
                reported = self._sent
            if self._options.once:
                return True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
        return False

    async def _send_batch(self) -> bool:
        """Send the next rows; return False if there are none."""
        options = self._options
        rows = await asyncio.to_thread(rows_to_mirror, self._app, self._outbox, options.destination, options.batch)
        if not rows:
            return False
        await self._broker.send(options.topic, [log_row_message(row) for _, row in rows])
        await asyncio.to_thread(note_mirrored, self._app, options.destination, rows[-1][0])
        self._sent += len(rows)
        return True

    async def _close(self) -> None:
        try:
            await self._broker.close()
        except self._broker.failures:
            logger.debug("the broker was away at the end")
