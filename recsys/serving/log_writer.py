"""Group commit: the rows of concurrent requests go to the log in one transaction.

One thread writes. While it commits, further rows gather, and they are its next transaction; so many small requests
cost few transactions, and a single one waits for nothing. No lock of the engine is held meanwhile. Each caller
gets its outcome once its rows are committed; the next answer of any process folds them.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from recsys.domain import Event, EventKind, Slate
from recsys.errors import StoreError, StoreUnavailableError
from recsys.serving.clock import Clock
from recsys.store import event_log
from recsys.store.amended_values import RowOutcome
from recsys.store.database import Connection, Database
from recsys.store.event_log_reader import LogTail

logger = logging.getLogger(__name__)

T = TypeVar("T")

Committed = Callable[[int, int, LogTail], None]
"""Called after each commit with the rows, and the sequence numbers before the first and of the last one."""

_MOST_ROWS = 5_000
"""Rows of one transaction, unless one request brings more: feeds wait for it."""

_GATHER_SECONDS = 0.002
"""Pause after a commit while rows wait: more of them gather, and other processes get their turn."""


@dataclass(slots=True)
class _Write:
    """Rows of one request. `also` runs in the same transaction, and its result is the outcome."""

    events: Sequence[Event] = ()
    slate: Slate | None = None
    also: Callable[[Connection], Any] | None = None
    outcome: "Future[Any]" = field(default_factory=Future)

    @property
    def rows(self) -> int:
        return len(self.events) + (self.slate is not None)


class LogWriter:
    """Writer of one process. Without `start`, rows are written in the thread of the caller."""

    def __init__(self, database: Database, clock: Clock, committed: Committed = lambda *_: None) -> None:
        self._database = database
        self._committed = committed
        self._clock = clock
        self._waiting: list[_Write] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the rows that wait, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def append_events(self, events: Sequence[Event]) -> "Future[list[RowOutcome]]":
        """Append events, with new receipt times; the outcome has one entry an event.

        The future fails with StoreError if the database fails.
        """
        return self._submit(_Write(events=events))

    def append_slate(self, slate: Slate, also: Callable[[Connection], T]) -> "Future[T]":
        """Append a slate, with a new receipt time, and run `also` in the same transaction; return its result.

        The future fails with StoreError if the database fails.
        """
        return self._submit(_Write(slate=slate, also=also))

    def _submit(self, write: _Write) -> "Future[Any]":
        write.outcome.set_running_or_notify_cancel()  # it cannot be cancelled: rows are written
        with self._changed:
            if self._thread is not None and not self._stopping:
                self._waiting.append(write)
                self._changed.notify()
                return write.outcome
        self._commit([write])
        return write.outcome

    def _run(self) -> None:
        while group := self._next_group():
            self._commit(group)
            if self._waiting:
                time.sleep(_GATHER_SECONDS)

    def _next_group(self) -> list[_Write]:
        """Wait for rows, and take those that fit into one transaction; empty after `stop`."""
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            rows, count = 0, 0
            for write in self._waiting:
                rows += write.rows
                if count and rows > _MOST_ROWS:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            return group

    def _commit(self, group: list[_Write]) -> None:
        """Store a group, and hand out the outcomes. If one write is at fault, the others are stored."""
        try:
            outcomes = self._store(group)
        except StoreError as error:
            if len(group) > 1 and not isinstance(error, StoreUnavailableError):
                for write in group:
                    self._commit([write])
                return
            self._fail(group, error)
        except Exception as error:
            logger.exception("rows cannot be appended to the log")
            self._fail(group, error)
        else:
            for write, outcome in zip(group, outcomes, strict=True):
                write.outcome.set_result(outcome)

    def _store(self, group: list[_Write]) -> list[Any]:
        events = [event for write in group for event in write.events]
        slates = [write.slate for write in group if write.slate is not None]
        with ExitStack() as until_committed, self._database.write() as connection:
            end = event_log.lock(connection)
            stamps = self._clock.stamping(len(events) + len(slates), end.last_known_at)
            first = until_committed.enter_context(stamps)
            events = [replace(event, known_at=first + place) for place, event in enumerate(events)]
            first += len(events)
            slates = [replace(slate, known_at=first + place) for place, slate in enumerate(slates)]
            appended = event_log.append_rows(connection, events, slates, end)
            found = iter(appended.events)
            outcomes = [
                [next(found) for _ in write.events] if write.also is None else write.also(connection)
                for write in group
            ]
        new = appended.stored
        if len(new) + len(slates) == appended.last_seq - end.last_seq:  # otherwise a slate was stored before
            tail = LogTail([event for each in new for event in _as_read(each, appended.quoted)], slates)
            self._committed(end.last_seq, appended.last_seq, tail)
        return outcomes

    def _fail(self, group: list[_Write], error: Exception) -> None:
        for write in group:
            write.outcome.set_exception(error)


def _as_read(event: Event, quoted: Set[tuple[str, str]]) -> list[Event]:
    """Return an event as the log is read: with a request id only if its reader was shown that slate."""
    if event.request_id is None:
        return [event]
    if event.kind is EventKind.IMPRESSION:  # the slate is the exposure
        return []
    return [event if (event.request_id, event.reader) in quoted else replace(event, request_id=None)]
