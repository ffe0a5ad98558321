"""Fold of the whole log, from a snapshot or from its start: in one transaction, or piece by piece."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from recsys.state.live_state import LiveState
from recsys.state.snapshot import Watermark
from recsys.store import articles, erasure, event_log, event_log_reader
from recsys.store.database import Connection, Database, without_timeout
from recsys.store.event_log_reader import Key

FoldStart = Callable[[Connection], tuple[LiveState, Watermark]]
"""Returns the state that a fold begins with, and its last row."""


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


def fold_at_once(connection: Connection, start: FoldStart) -> FoldedLog:
    """Fold the log from the state that `start` returns, in the transaction of `connection`."""
    with without_timeout(connection):
        state, watermark = start(connection)
        revision = upsert_catalogue(connection, state)
        end = event_log.position(connection).last_seq
        last = key_of(watermark)
        for chunk in event_log_reader.stream(connection, after=last if watermark.seq else None):
            state.apply(state.encode(chunk.events, chunk.slates))
            last = chunk.last or last
        return FoldedLog(state, Watermark(end, last.known_at, last.id), watermark.seq, revision)


def fold_in_pieces(
    database: Database,
    start: FoldStart,
    stopping: threading.Event,
    rows: int = event_log_reader.BATCH_ROWS,
) -> FoldedLog:
    """Fold the log from the state that `start` returns, in pieces of `rows` events.

    Each piece is read in a transaction of its own: on SQLite, deleted rows stay in the write-ahead log as long as
    a transaction reads an older version of the file.

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
