"""Live feed of one process: an engine that follows the log, and logs every slate that it shows.

Answers hold one lock, and all times come from one clock. Rows are written without the lock (`log_writer`), so the
`as_of` of an answer is a time up to which all rows are committed and folded: a replay of the log up to `as_of`
gives the same answer.

While the database is unavailable, answers come from memory, and slates go to a spool: docs/decisions/0012. While
the log is folded again, answers come from the state so far: docs/decisions/0048.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from recsys.domain import FeedRequest, Ranking, RankRequest
from recsys.encoder.protocols import ModelEncoder
from recsys.errors import ForeignReaderError, StoreError, StoreUnavailableError
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import CATCH_UP, LOG
from recsys.serving.background_jobs import BackgroundJobs
from recsys.serving.challenger import Answer
from recsys.serving.clock import Clock
from recsys.serving.live_engine import FOLD_PATIENCE, LiveEngine
from recsys.serving.log_writer import LogWriter
from recsys.serving.pagination import FeedPage, resume, save_remaining, slate_of
from recsys.serving.recovery import store_spooled
from recsys.serving.spool import Spool
from recsys.settings import Settings
from recsys.state.shard import Shard
from recsys.store import event_log, experiments
from recsys.store.database import Connection, Database

if TYPE_CHECKING:
    from recsys.calibration.monitoring_stats import MonitoringStats

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _CurrentEngine:
    """An engine, and a time later than all rows in it.

    from_memory: the database is unavailable. degraded: so it is, or the log is being folded again; the engine may
    be behind the log.
    """

    as_of: int
    engine: FeedEngine
    from_memory: bool
    degraded: bool


class FeedService:
    """Feed service: answers feed and rank requests from the log of one database.

    Attributes:
        clock: source of all receipt times of this process.
        live: engine, kept up to date.
        writer: writes events and slates, those of concurrent requests together.
        spool: slates shown while the database is unavailable.
        background_jobs: jobs that load articles and bundles, save, delete expired rows, and probe the database.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        encoder: ModelEncoder,
        fold_patience: float | None = FOLD_PATIENCE,
    ) -> None:
        self.database = database
        self.settings = settings
        self.encoder = encoder
        self.clock = Clock()
        self.live = LiveEngine(database, settings, encoder, fold_patience)
        self.writer = LogWriter(database, self.clock, self.live.follower.offer)
        self.spool = Spool(settings.home / "spool", settings.spool_bytes)
        self.background_jobs = BackgroundJobs(self.live, database, self.spool, self.clock)

    @property
    def ready(self) -> threading.Event:
        """Event that is set once the articles of the first start are searchable."""
        return self.background_jobs.ready

    @property
    def degraded(self) -> bool:
        """True while the database is unavailable."""
        return self.database.circuit.is_open

    @property
    def stale(self) -> bool:
        """True while the log is folded again, and answers come from the state so far."""
        return self.live.follower.stale

    @property
    def shard(self) -> Shard:
        """Readers whose state this process has."""
        return self.live.follower.shard

    @property
    def may_be_behind(self) -> bool:
        """True while answers are marked as degraded: rows of the log may be missing in them."""
        return self.degraded or self.stale

    @property
    def engine(self) -> FeedEngine:
        """Current engine."""
        return self.live.engine

    def calibration_stats(self) -> "MonitoringStats | None":
        """Return the monitoring statistics of the calibration; None if the bundle has no calibrator."""
        monitor = self.live.serving.monitor  # another thread may adopt a bundle meanwhile
        return None if monitor is None else monitor.stats()

    def lag(self) -> int | None:
        """Return the number of log rows that are not folded yet; None while the database is unavailable."""
        try:
            with self.database.read() as connection:
                return max(event_log.position(connection).last_seq - self.live.follower.watermark.seq, 0)
        except StoreError as error:
            logger.warning("the number of rows that are not folded yet cannot be read: %s", error)
            return None

    def start(self) -> None:
        """Load state, stored vectors and the active bundle, and start the background jobs.

        Slates that a killed process left in the spool are stored first.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database is unavailable.
        """
        store_spooled(self.database, self.spool, self.clock)
        self.live.start()
        self.database.circuit.enable_probing()
        self.writer.start()
        self.background_jobs.start()

    def stop(self) -> None:
        """Write the rows that wait, stop the jobs, and save new content so that the next start is quick."""
        self.writer.stop()
        self.live.follower.stop()
        self.background_jobs.stop()
        with self.live.lock:
            self.spool.close()

    def feed(self, request: FeedRequest, cursor: str | None = None) -> FeedPage:
        """Recommend a slate and log it. `as_of` is set here.

        With the `cursor` of an earlier page, the slate continues that feed: with its parameters, and with the
        remaining candidates that the reader may still be shown.

        While the database is unavailable, the slate is degraded: it goes to the spool, and there is no next page.

        Raises:
            ForeignReaderError: another shard has the state of the reader.
            RequestError: the cursor is unknown, of another reader, or has expired.
            StoreError: the database fails, or is unavailable and a cursor was given.
        """
        return self._with_fallback(partial(self._page, request, cursor), retry=cursor is None)

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Rank the candidates of `request`; nothing is logged. `as_of` is set here.

        Raises:
            ForeignReaderError: another shard has the state of the reader.
        """
        with self._current(request.reader) as current:
            engine = self.live.challenger.engine_for(current.engine, request.reader)
            ranking = engine.rank(replace(request, as_of=current.as_of), explain)
            return replace(ranking, degraded=current.degraded)

    def with_engine(self, answer: Callable[[FeedEngine, int], T], reader: str | None = None) -> T:
        """Return `answer(engine, as_of)`: all known rows are folded, and `as_of` is later than all of them.

        reader: the reader whom the answer is about, if it is about one.

        Raises:
            ForeignReaderError: another shard has the state of `reader`.
        """

        def current_answer() -> T:
            with self._current(reader) as current:
                return answer(current.engine, current.as_of)

        return self._with_fallback(current_answer)

    def between_answers(self, write: Callable[[], T]) -> T:
        """Run a write that depends on the state or changes stored rows; it is folded before the next answer."""
        with self.live.lock:
            result = write()
            self.live.catch_up()
            return result

    def _with_fallback(self, answer: Callable[[], T], retry: bool = True) -> T:
        """Return `answer()`; call it again, from memory, if the database becomes unavailable meanwhile."""
        try:
            return answer()
        except StoreUnavailableError:
            if not (retry and self.degraded):
                raise
            return answer()

    @contextmanager
    def _current(self, reader: str | None) -> Iterator[_CurrentEngine]:
        """Hold the lock, with all known rows folded, or with the last state while that is not possible.

        The state has nothing of `reader` if that reader was erased.

        Raises:
            ForeignReaderError: another shard has the state of `reader`.
        """
        if reader and not self.shard.holds(reader):  # an invented reader has no id
            raise ForeignReaderError(self.shard.holder(reader), self.shard.count)
        with self.live.lock:
            from_memory = False
            committed = self.clock.committed()
            try:
                with self.engine.metrics.timed(CATCH_UP):
                    self.live.catch_up()
                if reader is not None:
                    self.live.follower.forget_if_erased(reader)
            except StoreUnavailableError:
                from_memory = True
                if reader is not None:
                    self.live.follower.forget_unless_checked(reader)
            engine = self.live.from_memory() if from_memory else self.engine
            # all rows up to the newest folded one are folded, because receipt times grow with the log
            as_of = max(committed, engine.state.known_at + 1)
            yield _CurrentEngine(as_of, engine, from_memory, from_memory or self.stale)

    def _page(self, request: FeedRequest, cursor: str | None) -> FeedPage:
        with self._current(request.reader) as current:
            request, remaining = replace(request, as_of=current.as_of), None
            if cursor is not None:
                with self.database.read() as connection:
                    request, remaining = resume(connection, request, cursor)
            if remaining is None and not current.from_memory:
                answer = self.live.challenger.answer(current.engine, request)
            else:
                engine = self.live.challenger.engine_for(current.engine, request.reader)
                answer = Answer(engine.recommend(request, remaining))
            ranking = replace(answer.slate.ranking, degraded=current.degraded)
        return self._logged(request, ranking, answer)

    def _logged(self, request: FeedRequest, ranking: Ranking, answer: Answer) -> FeedPage:
        """Log `ranking`, the slate of `answer`, or spool it, and return the page."""
        if not ranking.items:
            return FeedPage(ranking, None)

        def also(connection: Connection) -> str | None:
            """Store the remaining candidates and return the cursor to them."""
            for slate in answer.beside:
                experiments.add_shadow(connection, request.reader, slate)
            return save_remaining(connection, request, answer.slate.remaining)

        shown = slate_of(request, ranking, known_at=request.as_of)
        try:
            with self.engine.metrics.timed(LOG):
                return FeedPage(ranking, self.writer.append_slate(shown, also).result())
        except StoreUnavailableError:
            # the slate may be stored although the reply was lost: its id prevents storing it twice
            with self.live.lock:
                self.spool.put(shown)
            return FeedPage(replace(ranking, degraded=True), None)
