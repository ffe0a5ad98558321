"""Live state from the log: from a snapshot and the tail of the log, or from the whole log.

A state is always the fold of all rows up to a `seq`, in the fold's order. Later rows are folded on top if all of
them come after the watermark in that order. If one comes before it (an older log was imported), the log is folded
again from the newest snapshot before that row, or from the start. After the erasure of a reader, older states are
not used: the log is folded from the start, and older snapshots are deleted.
"""

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import Event
from recsys.errors import DataError, StoreError
from recsys.projection.snapshot_store import Snapshots
from recsys.state import snapshot
from recsys.state.event_codes import CLICKS
from recsys.state.live_state import LiveState
from recsys.state.log_batch import LogBatch
from recsys.state.snapshot import Watermark
from recsys.store import articles, erasure, event_log, event_log_reader
from recsys.store.database import Connection, Database, url_of, without_timeout
from recsys.store.event_log_reader import Key, LogTail

logger = logging.getLogger(__name__)

LONG_TAIL = 100_000
"""Longer tails are read in batches, and so are tails that are partly archived."""


_MOST_OFFERED = 1_000


@dataclass(frozen=True, slots=True)
class _Offered:
    """Rows appended after row `behind`; the last one is `last_seq`."""

    behind: int
    last_seq: int
    tail: LogTail


class LogFollower:
    """Live state that follows the log of a database.

    The caller passes changes of articles on (`state.upsert_articles`); only when the log is folded from a snapshot
    or from the start does the follower read the catalogue.

    Args:
        database: database of the log.
        snapshots: folder of state snapshots; None writes none.
        on_events: called with the events of each folded tail, but not when the log is folded again.
    """

    def __init__(
        self,
        database: Database,
        snapshots: Path | None = None,
        on_events: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        self.state = LiveState()
        self.watermark = Watermark()
        self._database = database
        self._snapshots = Snapshots(snapshots)
        self._on_events = on_events
        self._saved_seq = 0  # last row of the snapshot that was last loaded or written
        self._offered: deque[_Offered] = deque(maxlen=_MOST_OFFERED)

    def start(self) -> None:
        """Load the newest valid snapshot, then fold the rows after it."""
        with self._database.read() as connection:
            self._restart(connection, before=None)

    def catch_up(self) -> int:
        """Fold the rows appended since; return the `seq` of the last folded row.

        Rows that this process appended last are folded also if the database is unavailable now.
        """
        self._fold_offered()
        with self._database.read() as connection:
            position = event_log.position(connection)
            end = position.last_seq
            self._fold_offered()
            if end <= self.watermark.seq:
                return self.watermark.seq
            long = end - self.watermark.seq > LONG_TAIL or position.archived_seq > self.watermark.seq
            if long or erasure.last_seq(connection) > self.watermark.seq:
                self._restart(connection, before=None)
                return end
            tail = event_log_reader.tail(connection, self.watermark.seq, end)
            if tail.first is not None and tail.first < self._key():
                self._restart(connection, before=tail.first)
            else:
                self._fold_tail(tail, end)
        return end

    def offer(self, behind: int, last_seq: int, tail: LogTail) -> None:
        """Offer all rows that this process appended after row `behind`, so that `catch_up` need not read them.

        Any thread may call this.
        """
        self._offered.append(_Offered(behind, last_seq, tail))

    def _fold_offered(self) -> None:
        """Fold the offered rows that directly follow the folded ones; drop those folded from the log."""
        tail, last = LogTail([], []), self.watermark.seq
        while self._offered and self._offered[0].behind <= last:
            offered = self._offered.popleft()
            if offered.behind == last:
                last = offered.last_seq
                tail.events.extend(offered.tail.events)
                tail.slates.extend(offered.tail.slates)
        if last > self.watermark.seq:
            self._fold_tail(tail, last)

    @property
    def unsaved(self) -> int:
        """Number of rows folded since the last snapshot of this process."""
        return self.watermark.seq - self._saved_seq

    def save_snapshot(self, lock: AbstractContextManager[object] | None = None) -> Path | None:
        """Write a snapshot, and delete the oldest ones; return its path.

        Return None without a folder, or if the snapshot contains an erased reader. `lock` is held while the state
        is copied; the fold goes on while the file is written.
        """
        with lock or nullcontext():
            state, seq = self.state, self.watermark.seq
            copied = snapshot.copy_state(state, self.watermark)
        path = self._snapshots.save(copied, seq)
        if path is not None and self._erased_since(seq):
            path.unlink(missing_ok=True)
            return None
        if path is not None and self.state is state:  # otherwise the log was folded again meanwhile
            self._saved_seq = seq
        return path

    def _erased_since(self, seq: int) -> bool:
        """Return True if a reader was erased after row `seq`, or if that cannot be read.

        Call it after the snapshot is written, so that an erasure in between deletes the file or is seen here.
        """
        try:
            with self._database.read() as connection:
                return erasure.last_seq(connection) > seq
        except StoreError as error:
            logger.warning("the snapshot is deleted, because erasures cannot be checked: %s", error)
            return True

    def _restart(self, connection: Connection, before: Key | None) -> None:
        """Fold again from a snapshot or the start; if the database fails, the state does not change."""
        with without_timeout(connection):
            state, watermark = self._newest_valid(connection, before)
            saved_seq = watermark.seq
            watermark = _fold_remaining(connection, state, watermark)
        self.state, self.watermark, self._saved_seq = state, watermark, saved_seq

    def _newest_valid(self, connection: Connection, before: Key | None) -> tuple[LiveState, Watermark]:
        self._snapshots.drop_before(erasure.last_seq(connection))
        for path in self._snapshots.newest_first():
            # without a readable snapshot the start is slower, but the log has all rows
            try:
                state, mark = snapshot.load(path)
            except StoreError:
                self._snapshots.reject(path)
                continue
            key = Key(mark.known_at, mark.id)
            late = event_log_reader.first_key(connection, after_seq=mark.seq)
            if (late is not None and late <= key) or not _is_of_this_log(connection, mark):
                self._snapshots.reject(path)
            elif before is None or before > key:
                return state, mark
        return LiveState(), Watermark()

    def _fold_tail(self, tail: LogTail, end: int) -> None:
        self.state.apply(self.state.encode_few(tail.events, tail.slates))
        if self._on_events is not None:
            self._on_events(tail.events)
        last = tail.last or self._key()
        self.watermark = Watermark(end, last.known_at, last.id)

    def _key(self) -> Key:
        return Key(self.watermark.known_at, self.watermark.id)


@dataclass(frozen=True, slots=True)
class ReplayPoint:
    """Point of a replay from which another process goes on: the state has all rows known before `as_of`.

    database_url: of the log. state: its snapshot, a file. chunk_after: last row before the chunk of the log that
    holds the point; None at the start of the log. until: end of the replay. last_seq: newest row of the log when
    the replay began. links: pairs of articles on the same event [l, 2], which no snapshot has.
    """

    database_url: str
    state: Path
    as_of: int
    chunk_after: Key | None
    until: int | None
    last_seq: int
    links: NDArray[np.int64]


class Replay:
    """Stepwise fold of the past log: at each time, the state knows only the rows known before it.

    Call `close`, or leave the `with` block, before closing the connection: the log is read on demand.

    Attributes:
        articles: the articles that the state knows, columns of `frames.ARTICLES`.
    """

    def __init__(self, connection: Connection, until: int | None = None) -> None:
        self.state = LiveState()
        self.articles, _ = articles.upserted_since(connection, 0)
        self.state.upsert_articles(self.articles)
        self._last_seq = event_log.position(connection).last_seq
        self._as_of = 0
        self._follow(connection, None, until)

    @classmethod
    def resume(cls, connection: Connection, point: ReplayPoint, known: pl.DataFrame, end: int) -> "Replay":
        """Go on from `point` of a replay that had the articles `known`, up to `end`; dense ids are the same.

        Raises:
            DataError: the rows known before `end` have changed since that replay began.
            StoreError: the snapshot cannot be read.
        """
        self = cls.__new__(cls)
        self.state, _ = snapshot.load(point.state)
        self.articles = known
        self.state.upsert_articles(known)
        self.state.catalog.link(np.zeros(0, dtype=np.int64), point.links)
        self._last_seq, self._as_of = point.last_seq, point.as_of
        _require_unchanged(connection, point.last_seq, end)
        # the same chunks as in one pass: readers and articles get their dense ids chunk by chunk
        self._follow(connection, point.chunk_after, point.until)
        if self._batch is not None:
            _, self._batch = self._batch.split(point.as_of)
        return self

    def save(self, path: Path) -> ReplayPoint:
        """Write the state to `path`, and return the point that has been reached."""
        snapshot.save(self.state, Watermark(), path)
        links = self.state.catalog.links
        after, until = self._chunk_after, self._until
        return ReplayPoint(self._url, path, self._as_of, after, until, self._last_seq, links)

    def _follow(self, connection: Connection, after: Key | None, until: int | None) -> None:
        self._url, self._chunk_after, self._until = url_of(connection), after, until
        self._chunks = event_log_reader.stream(connection, after, until)
        self._batches = self._encoded()
        self._batch = next(self._batches, None)

    def _encoded(self) -> Generator[LogBatch]:
        for chunk in self._chunks:
            yield self.state.encode(chunk.events, chunk.slates)
            self._chunk_after = chunk.last

    def advance(self, as_of: int) -> LiveState:
        """Fold all rows known before `as_of` (microseconds) and return the state. Times must not decrease."""
        self._as_of = max(as_of, self._as_of)
        while self._batch is not None:
            now, later = self._batch.split(as_of)
            self.state.apply(now)
            self._batch = later
            if later.span is not None:
                break
            self._batch = next(self._batches, None)
        return self.state

    def close(self) -> None:
        """Stop reading the log; the state does not change."""
        self._batch = None
        self._chunks.close()

    def __enter__(self) -> "Replay":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def clicks_before(self, as_of: int) -> NDArray[np.float64]:
        """Fold all rows known before `as_of`; return decayed clicks of the last weeks by dense article id."""
        counters = self.advance(as_of).counters
        return counters.read(np.arange(len(counters.articles)), as_of)[:, CLICKS, -1]


def _fold_remaining(connection: Connection, state: LiveState, watermark: Watermark) -> Watermark:
    """Fold the catalogue and all rows after `watermark` into `state`; return the new watermark."""
    changes = articles.changes_since(connection, 0)
    state.delete_articles(changes.withdrawn)
    state.upsert_articles(changes.upserted)
    end = event_log.position(connection).last_seq
    after = Key(watermark.known_at, watermark.id) if watermark.seq else None
    last = Key(watermark.known_at, watermark.id)
    for chunk in event_log_reader.stream(connection, after=after):
        state.apply(state.encode(chunk.events, chunk.slates))
        last = chunk.last or last
    return Watermark(end, last.known_at, last.id)


def _require_unchanged(connection: Connection, last_seq: int, end: int) -> None:
    """Check that no reader was erased after row `last_seq`, and that no row since was known before `end`."""
    if event_log.position(connection).last_seq == last_seq:
        return
    late = event_log_reader.first_key(connection, last_seq)
    if erasure.last_seq(connection) > last_seq or (late is not None and late.known_at < end):
        raise DataError(
            "the log changed while it was replayed: older rows were imported, or a reader was erased; run it again"
        )


def _is_of_this_log(connection: Connection, mark: Watermark) -> bool:
    """Return True if the log has the last row of a snapshot: another database may have used the same folder."""
    if mark.seq > event_log.position(connection).last_seq:
        return False
    then = event_log_reader.stream(connection, after=Key(mark.known_at, ""), until=mark.known_at + 1)
    frames = [frame for chunk in then for frame in (chunk.events, chunk.slates)]
    return any(mark.id in frame["id"] for frame in frames)
