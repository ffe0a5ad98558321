"""Fold of the whole log in a thread, while an older state answers.

The log is read in pieces, each in a transaction of its own: on SQLite, deleted rows stay in the write-ahead log as
long as a transaction reads an older version of the file.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from recsys.errors import StoreError
from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from recsys.store import articles, erasure, event_log, event_log_reader
from recsys.store.database import Connection, Database, without_timeout
from recsys.store.event_log_reader import Key

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts; each pause is twice as long as the one before."""


@dataclass(frozen=True, slots=True)
class FoldedLog:
    """State with all rows up to `watermark`.

    saved_seq: last row of the snapshot that it started from; revision: of the catalogue in it.
    """

    state: LiveState
    watermark: Watermark
    saved_seq: int
    revision: int


class BackgroundFold:
    """Thread that runs `fold` until it succeeds; while the log cannot be read, it tries again after a pause."""

    def __init__(self, fold: Callable[[], FoldedLog]) -> None:
        self.failure: str | None = None
        """Reason why the last attempt failed, None before it ends."""
        self._fold = fold
        self._folded: FoldedLog | None = None
        self._error: Exception | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name="fold", daemon=True).start()

    def result(self, within: float = 0.0) -> FoldedLog | None:
        """Return the folded log, None if it is not ready within so many seconds.

        Raises:
            Exception: the fold failed for another reason than that the log cannot be read.
        """
        self._done.wait(within)
        if self._error is not None:
            raise self._error
        return self._folded

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._done.is_set():
            try:
                self._folded = self._fold()
                self._done.set()
            except StoreError as error:
                if str(error) != self.failure:
                    logger.error("the log cannot be folded again, an older state answers meanwhile: %s", error)
                self.failure = str(error)
                self._done.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception as error:
                self._error = error
                self._done.set()


def fold_in_pieces(
    database: Database,
    start: Callable[[Connection], tuple[LiveState, Watermark]],
    rows: int = event_log_reader.BATCH_ROWS,
) -> FoldedLog:
    """Fold the log from the state that `start` returns; read `rows` events in one transaction.

    If meanwhile a reader is erased, or rows come that belong before folded ones, then the watermark stays before
    them, and the log must be folded once more after the state is adopted.

    Raises:
        StoreError: the database is unavailable, or a file of the archive cannot be read.
    """
    with database.read() as connection, without_timeout(connection):
        state, watermark = start(connection)
        revision = upsert_changes(connection, state, 0)
        end = event_log.position(connection).last_seq
    key, settled, last = key_of(watermark), True, False
    while not last:
        with database.read() as connection, without_timeout(connection):
            settled = settled and _is_undisturbed(connection, end, key)
            if settled:
                end = event_log.position(connection).last_seq
            with closing(event_log_reader.stream(connection, after=key, batch_rows=rows)) as chunks:
                chunk = next(chunks, None)
        last = chunk is None
        if chunk is not None:
            state.apply(state.encode(chunk.events, chunk.slates))
            key = chunk.last or key
    return FoldedLog(state, Watermark(end, key.known_at, key.id), watermark.seq, revision)


def upsert_changes(connection: Connection, state: LiveState, revision: int) -> int:
    """Apply the changes of the catalogue after `revision` to `state`; return the newest revision."""
    changes = articles.changes_since(connection, revision)
    state.delete_articles(changes.withdrawn)
    state.upsert_articles(changes.upserted)
    return max(changes.revision, revision)


def key_of(watermark: Watermark) -> Key:
    """Return the key of the last row in the order of the fold."""
    return Key(watermark.known_at, watermark.id)


def _is_undisturbed(connection: Connection, end: int, key: Key) -> bool:
    """Return True if since row `end` no reader was erased, and no row came that belongs before `key`."""
    late = event_log_reader.first_key(connection, after_seq=end)
    return erasure.last_seq(connection) <= end and (late is None or late > key)
