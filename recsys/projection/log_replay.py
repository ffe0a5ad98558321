"""Stepwise fold of the past log, for training, evaluation and answers about the past."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.state import snapshot
from recsys.state.event_codes import CLICKS
from recsys.state.live_state import LiveState
from recsys.state.log_batch import LogBatch
from recsys.state.snapshot import Watermark
from recsys.store import articles, erasure, event_log, event_log_reader
from recsys.store.database import Connection, url_of
from recsys.store.event_log_reader import Key


@dataclass(frozen=True, slots=True)
class ReplayPoint:
    """Point of a replay from which another process goes on: the state has all rows known before `as_of`.

    database_url: of the log. chunk_after: last row before the chunk of the log that holds the point; None at the
    start of the log. until: end of the replay. last_seq: newest row of the log when the replay began. links: pairs
    of articles on one news event [l, 2], which no snapshot has.
    """

    database_url: str
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
        database_url: of the log, with its password.
    """

    def __init__(self, connection: Connection, until: int | None = None) -> None:
        self.state = LiveState()
        self.articles, _ = articles.upserted_since(connection, 0)
        self.state.upsert_articles(self.articles)
        self._last_seq = event_log.position(connection).last_seq
        self._as_of = 0
        self._follow(connection, None, until)

    @classmethod
    def resume(
        cls, connection: Connection, point: ReplayPoint, snapshot_file: Path, known: pl.DataFrame, end: int
    ) -> "Replay":
        """Go on from `point` of a replay that had the articles `known`, up to `end`; dense ids are the same.

        snapshot_file: of the state, as `save` wrote it.

        Raises:
            DataError: the rows known before `end` have changed since that replay began.
            StoreError: the snapshot cannot be read.
        """
        self = cls.__new__(cls)
        self.state, _ = snapshot.load(snapshot_file)
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
        return ReplayPoint(self.database_url, self._as_of, after, until, self._last_seq, links)

    def _follow(self, connection: Connection, after: Key | None, until: int | None) -> None:
        self.database_url, self._chunk_after, self._until = url_of(connection), after, until
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


def _require_unchanged(connection: Connection, last_seq: int, end: int) -> None:
    """Check that no reader was erased after row `last_seq`, and that no row since was known before `end`."""
    if event_log.position(connection).last_seq == last_seq:
        return
    late = event_log_reader.first_key(connection, last_seq)
    if erasure.last_seq(connection) > last_seq or (late is not None and late.known_at < end):
        raise DataError(
            "the log changed while it was replayed: older rows were imported, or a reader was erased; run it again"
        )
