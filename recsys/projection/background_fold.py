"""Fold of the whole log in a thread, while an older state answers.

The log is read in pieces, each in a transaction of its own: on SQLite, deleted rows stay in the write-ahead log as
long as a transaction reads an older version of the file.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from recsys.errors import AttuneError
from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from recsys.store import articles, erasure, event_log, event_log_reader
from recsys.store.database import Connection, Database, without_timeout
from recsys.store.event_log_reader import Key

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts; each pause is twice as long as the one before."""

_STOP_SECONDS = 10.0
"""Longest wait for a thread that stops: it folds one piece to its end."""


@dataclass(frozen=True, slots=True)
class FoldedLog:
    """State with all rows up to `watermark`.

    saved_seq: last row of the snapshot that it started from. revision: articles are those up to this revision.
    """

    state: LiveState
    watermark: Watermark
    saved_seq: int
    revision: int


class FoldStoppedError(Exception):
    """The fold was stopped before its end."""


class BackgroundFold:
    """Thread that runs `fold` until it succeeds; after a failure it tries again.

    Args:
        fold: gets an event that is set when it has to stop.

    Attributes:
        failure: reason why the last attempt failed, None before it ends.
    """

    def __init__(self, fold: Callable[[threading.Event], FoldedLog]) -> None:
        self.failure: str | None = None
        self._fold = fold
        self._folded: FoldedLog | None = None
        self._done, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        self._thread.start()

    def result(self, within: float = 0.0) -> FoldedLog | None:
        """Return the folded log, None if it is not ready within so many seconds."""
        self._done.wait(within)
        return self._folded

    def stop(self) -> None:
        """Stop the thread without a result."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set() and not self._attempt():
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self) -> bool:
        """Fold; return True when there is nothing more to do."""
        try:
            self._folded = self._fold(self._stopping)
        except FoldStoppedError:
            return True
        except Exception as error:  # also a full disk or too little memory: feeds go on, and it may end
            if str(error) != self.failure:
                known = isinstance(error, AttuneError)
                logger.error(
                    "the log cannot be folded again, an older state answers meanwhile: %s",
                    error if known else type(error).__name__,
                    exc_info=None if known else error,
                )
            self.failure = str(error)
            return False
        self._done.set()
        return True


def fold_in_pieces(
    database: Database,
    start: Callable[[Connection], tuple[LiveState, Watermark]],
    stopping: threading.Event,
    rows: int = event_log_reader.BATCH_ROWS,
) -> FoldedLog:
    """Fold the log from the state that `start` returns; read `rows` events in one transaction.

    If meanwhile a reader is erased, or rows come that belong before folded ones, then the watermark stays before
    them, although the state has rows after it: the log must be folded once more after the state is adopted.

    Raises:
        FoldStoppedError: `stopping` is set.
        StoreError: the database is unavailable, or a file of the archive cannot be read.
    """
    with database.read() as connection, without_timeout(connection):
        state, watermark = start(connection)
        revision = upsert_catalogue(connection, state)
        end = event_log.position(connection).last_seq
    key, undisturbed, last = key_of(watermark), True, False
    while not last:
        if stopping.is_set():
            raise FoldStoppedError
        with database.read() as connection, without_timeout(connection):
            undisturbed = undisturbed and _is_undisturbed(connection, end, key)
            if undisturbed:
                end = event_log.position(connection).last_seq
            with closing(event_log_reader.stream(connection, after=key, batch_rows=rows)) as chunks:
                chunk = next(chunks, None)
        last = chunk is None
        if chunk is not None:
            state.apply(state.encode(chunk.events, chunk.slates))
            key = chunk.last or key
    return FoldedLog(state, Watermark(end, key.known_at, key.id), watermark.seq, revision)


def upsert_catalogue(connection: Connection, state: LiveState) -> int:
    """Bring the articles of `state` up to the stored ones; return their revision."""
    changes = articles.changes_since(connection, 0)
    state.delete_articles(changes.withdrawn)
    state.upsert_articles(changes.upserted)
    return changes.revision


def key_of(watermark: Watermark) -> Key:
    """Return the key of the last row in the order of the fold."""
    return Key(watermark.known_at, watermark.id)


def _is_undisturbed(connection: Connection, end: int, key: Key) -> bool:
    """Return True if since row `end` no reader was erased, and no row came that belongs before `key`."""
    late = event_log_reader.first_key(connection, after_seq=end)
    return erasure.last_seq(connection) <= end and (late is None or late > key)
