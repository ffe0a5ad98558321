"""Live state from the log: from a snapshot and the tail of the log, or from the whole log.

A state is always the fold of all rows up to a `seq`, in the fold's order. Later rows are folded on top if all of
them come after the watermark in that order. If one comes before it (an older log was imported), the log is folded
again from the newest snapshot before that row, or from the start. After the erasure of a reader, older states are
not used: the log is folded from the start, and older snapshots are deleted.

Folding again takes as long as a first start. In a service it runs in the background, and the state so far answers
meanwhile; see `LogFollower.stale`.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from recsys.domain import Event
from recsys.projection.background_fold import BackgroundFold
from recsys.projection.full_fold import FoldedLog, fold_at_once, fold_in_pieces, key_of
from recsys.projection.log_snapshots import LogSnapshots
from recsys.state import snapshot
from recsys.state.follow_graph import FollowGraph
from recsys.state.live_state import LiveState
from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import Watermark
from recsys.store import erasure, event_log, event_log_reader, reader_rows
from recsys.store.database import Connection, Database
from recsys.store.event_log import Position
from recsys.store.event_log_reader import Key, LogTail

logger = logging.getLogger(__name__)

LONG_TAIL = 100_000
"""Longer tails are read in batches, and so are tails that are partly archived."""

_STALE_TAIL = 20_000
"""Rows that one call folds into a stale state: answers wait for it."""

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
        patience: seconds that `catch_up` waits while the log is folded again, before the state so far goes on as
            a stale one; None waits for the end.
        shard: readers that the state has in full.

    Attributes:
        state: fold of the log.
        watermark: last row in it.
        revision: changes of articles up to this revision were in the state when its fold began.
    """

    def __init__(
        self,
        database: Database,
        snapshots: Path | None = None,
        on_events: Callable[[Sequence[Event]], None] | None = None,
        patience: float | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self.state = LiveState(shard)
        self.watermark = Watermark()
        self.revision = 0
        self._database = database
        self._snapshots = LogSnapshots(database, snapshots, shard)
        self._on_events = on_events
        self._saved_seq = 0  # last row of the snapshot that was last loaded or written
        self._offered: deque[_Offered] = deque(maxlen=_MOST_OFFERED)
        self._patience = patience
        self._background: BackgroundFold | None = None
        self._current_until = 0  # row up to which the stale state accounts for erasures and late rows
        self._last_erasure = 0  # row of the newest erasure that was seen while the state is stale
        self._checked: set[str] = set()  # readers that `forget_if_erased` has looked up since then

    @property
    def shard(self) -> Shard:
        """Readers that the state has in full."""
        return self.state.shard

    @property
    def stale(self) -> bool:
        """Return True while the log is folded again in the background.

        The state then has no late rows, and has rows of readers that were erased since.
        """
        return self._background is not None

    @property
    def failure(self) -> str | None:
        """Return the reason why the log cannot be folded again, None if it can."""
        background = self._background  # another thread may adopt its result meanwhile
        return None if background is None else background.failure

    @property
    def last_erasure(self) -> int:
        """Return the row of the newest erasure that the stale state does not account for, 0 without one."""
        return self._last_erasure

    def start(self) -> None:
        """Load the newest valid snapshot, then fold the rows after it."""
        self._adopt(self._folded_in_pieces(threading.Event(), before=None))

    def stop(self) -> None:
        """Stop a fold in the background."""
        if self._background is not None:
            self._background.stop()

    def catch_up(self) -> int:
        """Fold the rows appended since; return the `seq` of the last folded row.

        Rows that this process appended last are folded also if the database is unavailable now.

        Raises:
            StoreError: the database is unavailable, or without `patience` a file of the archive.
        """
        self._fold_offered()
        with self._database.read() as connection:
            self._adopt_when_ready(within=0.0)
            position = event_log.position(connection)
            end = position.last_seq
            self._fold_offered()
            if end <= self.watermark.seq:
                return self.watermark.seq
            if self.stale:
                self._fold_newer(connection, end)
            elif self._is_long(position) or erasure.last_seq(connection) > self.watermark.seq:
                self._fold_again(connection, None, end)
            else:
                tail = event_log_reader.tail(connection, self.watermark.seq, end)
                if tail.first is not None and tail.first < self._key():
                    self._fold_again(connection, tail.first, end)
                else:
                    self._fold_tail(tail, end)
            return self.watermark.seq

    def forget_if_erased(self, reader: str) -> None:
        """Forget what the stale state has of `reader`, unless SQL has a row from before the first erasure since.

        Raises:
            StoreError: the database is unavailable.
        """
        if not self._last_erasure or reader in self._checked:
            return
        with self._database.read() as connection:
            since = erasure.first_after(connection, self._current_until)
            first = reader_rows.first_seq_of(connection, reader)
        if since is not None and (first is None or first > since):
            self.state.readers.forget(reader)
        self._checked.add(reader)

    def forget_unless_checked(self, reader: str) -> None:
        """Forget what the stale state has of `reader`, who may be erased, while the database is unavailable."""
        if self._last_erasure and reader not in self._checked:
            self.state.readers.forget(reader)

    def offer(self, behind: int, last_seq: int, tail: LogTail) -> None:
        """Offer all rows that this process appended after row `behind`, so that `catch_up` need not read them.

        Any thread may call this.
        """
        self._offered.append(_Offered(behind, last_seq, tail))

    @property
    def unsaved(self) -> int:
        """Number of rows folded since the newest snapshot: processes with one folder need not all write it."""
        seq = self.watermark.seq
        return seq - max(self._saved_seq, self._snapshots.newest_seq(seq))

    def save_snapshot(self, lock: AbstractContextManager[object] | None = None) -> Path | None:
        """Write a snapshot, and delete the oldest ones; return its path.

        Return None without a folder, and while the state is stale or contains an erased reader. `lock` is held
        while the state is copied; the fold goes on while the file is written.
        """
        with lock or nullcontext():
            if self.stale:
                return None
            state, seq = self.state, self.watermark.seq
            copied = snapshot.copy_state(state, self.watermark)
        path = self._snapshots.save(copied, seq)
        if path is not None and self.state is state:  # otherwise the log was folded again meanwhile
            self._saved_seq = seq
        return path

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

    def _fold_again(self, connection: Connection, before: Key | None, end: int) -> None:
        """Fold from a snapshot before the row `before` or from the start, in the background if that takes long."""
        if self._patience is None:
            self._adopt(fold_at_once(connection, self._snapshots.newest_valid(before)))
            return
        self._current_until = self.watermark.seq
        self._background = BackgroundFold(partial(self._folded_in_pieces, before=before))
        self._adopt_when_ready(self._patience)
        if self.stale:
            logger.warning("the log is folded again; the state so far answers meanwhile")
            self._fold_newer(connection, end)

    def _adopt_when_ready(self, within: float) -> None:
        folded = None if self._background is None else self._background.result(within)
        if folded is not None:
            logger.info("the log is folded again up to row %d", folded.watermark.seq)
            self._adopt(folded)

    def _adopt(self, folded: FoldedLog) -> None:
        self.state, self.watermark, self._saved_seq = folded.state, folded.watermark, folded.saved_seq
        self.revision = folded.revision
        self._background = None
        self._last_erasure = 0
        self._checked.clear()

    def _folded_in_pieces(self, stopping: threading.Event, before: Key | None) -> FoldedLog:
        """Fold with connections of its own; save a snapshot after a long fold, so that the next one is short."""
        folded = fold_in_pieces(self._database, self._snapshots.newest_valid(before), stopping)
        seq = folded.watermark.seq
        if seq - folded.saved_seq <= LONG_TAIL:
            return folded
        try:
            saved = self._snapshots.save(snapshot.copy_state(folded.state, folded.watermark), seq)
        except OSError as error:  # such as a full disk: the state serves all the same
            logger.error("the state cannot be saved: %s", error)
            return folded
        return folded if saved is None else replace(folded, saved_seq=seq)

    def _is_long(self, position: Position) -> bool:
        """Return True if the rows after the folded ones are many, or are partly archived."""
        seq = self.watermark.seq
        return position.last_seq - seq > LONG_TAIL or position.archived_seq > seq

    def _fold_newer(self, connection: Connection, end: int) -> None:
        """Fold the next rows up to `end` into a stale state, without the late ones, and note erasures."""
        erased = erasure.last_seq(connection)
        if erased > max(self._last_erasure, self._current_until):
            self._last_erasure = erased
            self._checked.clear()
            self.state.follows = FollowGraph()  # it may have what an erased reader followed and liked
        end = min(end, self.watermark.seq + _STALE_TAIL)
        tail = event_log_reader.tail(connection, self.watermark.seq, end)
        self._fold_tail(tail.after(self._key()), end)

    def _fold_tail(self, tail: LogTail, end: int) -> None:
        self.state.apply(self.state.encode_few(tail.events, tail.slates))
        if self._on_events is not None:
            self._on_events(tail.events)
        last = tail.last or self._key()
        self.watermark = Watermark(end, last.known_at, last.id)

    def _key(self) -> Key:
        return key_of(self.watermark)
