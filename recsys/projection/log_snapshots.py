"""Snapshots of the state of one log: a fold begins with the newest valid one, and none keeps an erased reader."""

import logging
from pathlib import Path

from recsys.errors import StoreError
from recsys.projection.full_fold import FoldStart, key_of
from recsys.projection.snapshot_store import Snapshots
from recsys.state import snapshot
from recsys.state.live_state import LiveState
from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import StateCopy, Watermark
from recsys.store import erasure, event_log, event_log_reader
from recsys.store.database import Connection, Database
from recsys.store.event_log_reader import Key

logger = logging.getLogger(__name__)


class LogSnapshots:
    """Snapshots of the readers of `shard`, in `folder`; with None, none are written."""

    def __init__(self, database: Database, folder: Path | None, shard: Shard = WHOLE) -> None:
        self._database = database
        self._shard = shard
        self._files = Snapshots(folder, shard)

    def newest_seq(self, most: int) -> int:
        """Return the last row, at most `most`, of the newest snapshot; see `Snapshots.newest_seq`."""
        return self._files.newest_seq(most)

    def newest_valid(self, before: Key | None) -> FoldStart:
        """Return a function that loads the newest valid snapshot, of those whose rows all come before `before`.

        Without one, the function returns an empty state. It deletes snapshots that may have an erased reader.
        """

        def load(connection: Connection) -> tuple[LiveState, Watermark]:
            self._files.drop_before(erasure.last_seq(connection))
            for path in self._files.newest_first():
                # without a readable snapshot the start is slower, but the log has all rows
                try:
                    state, mark = snapshot.load(path, self._shard)
                except StoreError:
                    self._files.reject(path)
                    continue
                if not _is_valid(connection, mark):
                    self._files.reject(path)
                elif before is None or before > key_of(mark):
                    return state, mark
            return LiveState(self._shard), Watermark()

        return load

    def save(self, state: StateCopy, seq: int) -> Path | None:
        """Write a state up to row `seq`, and delete the oldest snapshots; return its path.

        Return None without a folder, and if a reader was erased after row `seq`.
        """
        path = self._files.save(state, seq)
        if path is not None and self._erased_since(seq):
            path.unlink(missing_ok=True)
            return None
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


def _is_valid(connection: Connection, mark: Watermark) -> bool:
    """Return True if the log has the last row of a snapshot, and no later row that belongs before it.

    Another database may have used the same folder.
    """
    if mark.seq > event_log.position(connection).last_seq:
        return False
    late = event_log_reader.first_key(connection, after_seq=mark.seq)
    if late is not None and late <= key_of(mark):
        return False
    then = event_log_reader.stream(connection, after=Key(mark.known_at, ""), until=mark.known_at + 1)
    frames = [frame for chunk in then for frame in (chunk.events, chunk.slates)]
    return any(mark.id in frame["id"] for frame in frames)
