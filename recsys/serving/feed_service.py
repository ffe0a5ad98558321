"""A feed that lives: an engine that follows the log, logs what it shows, and learns of new articles.

Whoever answers or stores holds one lock, and all times come from one clock. So every row known before an answer's
`as_of` was folded before that answer, and a replay of the log up to `as_of` gives the same answer.

While the database is away, answers come from what is in memory, and slates go to a spool: docs/decisions/0012.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recsys.domain import FeedRequest, Ranking, RankRequest
from recsys.encoder.protocols import ModelEncoder
from recsys.errors import StoreError, StoreUnavailableError
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import CATCH_UP, LOG
from recsys.feed.selection.remaining_candidates import RemainingCandidates
from recsys.serving.article_cache import ArticleSummary
from recsys.serving.background_jobs import BackgroundJobs
from recsys.serving.challenger import Challenger
from recsys.serving.clock import Clock
from recsys.serving.live_engine import LiveEngine
from recsys.serving.pagination import FeedPage, go_on, keep
from recsys.serving.recovery import store_spooled
from recsys.serving.slates import slate_of
from recsys.serving.spool import Spool
from recsys.settings import Settings
from recsys.store import event_log, shadows
from recsys.store.database import Database

if TYPE_CHECKING:
    from recsys.calibration.monitoring_stats import MonitoringStats

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Now:
    """What answers a request: an engine, and a time later than all it knows. `degraded`: it is behind the log."""

    as_of: int
    engine: FeedEngine
    degraded: bool


class FeedService:
    """Answers feed and rank requests from the log of one database.

    Attributes:
        spool: slates that were shown while the database is away.
        upkeep: what it does beside answering.
    """

    def __init__(self, database: Database, settings: Settings, encoder: ModelEncoder) -> None:
        self.database = database
        self.clock = Clock()
        self._settings = settings
        self._encoder = encoder
        self._live = LiveEngine(database, settings, encoder)
        self.spool = Spool(settings.home / "spool", settings.spool_bytes)
        self.background_jobs = BackgroundJobs(self._live, database, self.spool, self.clock)

    @property
    def ready(self) -> threading.Event:
        """Set once the articles of the first start are searchable."""
        return self.background_jobs.ready

    @property
    def failure(self) -> str | None:
        """Why articles cannot be taken in, or the active bundle cannot serve; feeds go on as they were."""
        return self.background_jobs.failure

    @property
    def recovery_failure(self) -> str | None:
        """Why what was shown while the database was away cannot be stored, though the database answers."""
        return self.background_jobs.recovery_failure

    @property
    def degraded(self) -> bool:
        """Whether the database is away."""
        return self.database.circuit.is_open

    @property
    def encoder(self) -> str:
        """Name of the encoder that bundles must have been trained for."""
        return self._encoder.name

    @property
    def default_explore(self) -> float:
        """Share of exploration in a feed that does not ask for one."""
        return self._settings.explore

    @property
    def home(self) -> Path:
        """Folder of bundles, state snapshots and reject files."""
        return self._settings.home

    @property
    def engine(self) -> FeedEngine:
        """The engine as it is now."""
        return self._live.engine

    @property
    def challenger(self) -> Challenger:
        """What is tried beside the active bundle."""
        return self._live.challenger

    @property
    def attention(self) -> "MonitoringStats | None":
        """How calibration of article vectors goes; None if the bundle brings no calibrator."""
        monitor = self._live.serving.monitor  # another thread may adopt a bundle meanwhile
        return None if monitor is None else monitor.monitor.stats()

    def lag(self) -> int | None:
        """Rows of the log that are not folded yet; None while the database cannot be reached."""
        try:
            with self.database.read() as connection:
                return max(event_log.position(connection).last_seq - self._live.follower.watermark.seq, 0)
        except StoreError as error:
            logger.warning("how far the log is ahead is not known: %s", error)
            return None

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without one the starting engine serves.

        From then on one thread takes in new articles, first those of the log that have no vector yet, others adopt
        bundles that are activated or put on trial, and one tries the database while it is away. What a process
        left in the spool that was killed is stored first.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database cannot be reached.
        """
        store_spooled(self.database, self.spool, self.clock)
        self._live.start()
        self.database.circuit.enable_probing()
        self.background_jobs.start()

    def stop(self) -> None:
        """Stop taking in articles and bundles, and save what is new, so that the next start is quick."""
        self.background_jobs.stop()
        with self._live.lock:
            self.spool.close()

    def feed(self, request: FeedRequest, cursor: str | None = None) -> FeedPage:
        """Recommend a slate; it is in the log before this returns. `as_of` is set here.

        With the `cursor` of an earlier page, the slate goes on with that feed as it was asked for: of what is left
        of it, what the reader may still be shown.

        While the database is away, the slate is degraded: it is in the spool, and there is no page after it.

        Raises:
            RequestError: the cursor is unknown, another reader's, or has expired.
            StoreError: the database fails, or is away and there is a cursor.
        """
        return self._even_if_away(partial(self._page, request, cursor), retry=cursor is None)

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Rank the candidates of `request`; nothing is logged. `as_of` is set here."""
        with self._current() as now:
            engine = self.challenger.engine_for(now.engine, request.reader)
            ranking = engine.rank(replace(request, as_of=now.as_of), explain)
            return replace(ranking, degraded=now.degraded)

    def ask(self, question: Callable[[FeedEngine, int], T]) -> T:
        """Ask the engine, everything known folded: `question` gets it, and an `as_of` later than all of that."""

        def asked() -> T:
            with self._current() as now:
                return question(now.engine, now.as_of)

        return self._even_if_away(asked)

    def summaries(self, ids: Sequence[str]) -> dict[str, ArticleSummary]:
        """What a page shows of articles, by id, as it was known within the last second."""
        return self._live.summaries.of(ids)

    def store(self, write: Callable[[], T]) -> T:
        """Run a write to the log and fold what it appended, before anybody else is answered."""
        with self._live.lock:
            result = write()
            self._live.catch_up()
            return result

    def refresh_articles(self) -> None:
        """Take in articles stored, changed or withdrawn lately: known at once, searchable once they are encoded.

        Raises:
            EncoderError: the encoder fails; the articles are known all the same, and wait for their vectors.
        """
        self._live.refresh_articles()

    def adopt_bundle(self) -> None:
        """Serve with the active bundle, if another one was activated since: whole, from one answer to the next.

        Raises:
            BundleError: it cannot be used; the engine stays as it is.
        """
        self._live.adopt_bundle()

    def adopt_challenger(self) -> None:
        """Try what is on trial now, or nothing any more.

        Raises:
            BundleError: it cannot be used; what was tried before stays.
        """
        self._live.adopt_challenger()

    def articles_changed(self) -> None:
        """Tell that articles were stored, so that they are taken in now and not within a second."""
        self.background_jobs.articles.wake()

    def _even_if_away(self, answer: Callable[[], T], retry: bool = True) -> T:
        """`answer`, once more from memory if the database goes away meanwhile."""
        try:
            return answer()
        except StoreUnavailableError:
            if not (retry and self.degraded):
                raise
            return answer()

    @contextmanager
    def _current(self) -> Iterator[_Now]:
        """Hold the lock with everything known folded, or all that was while the database is away."""
        with self._live.lock:
            degraded = False
            try:
                with self.engine.metrics.timed(CATCH_UP):
                    self._live.catch_up()
            except StoreUnavailableError:
                degraded = True
            self.clock.at_least(self.engine.state.known_at)
            yield _Now(self.clock.next(), self._live.from_memory() if degraded else self.engine, degraded)

    def _page(self, request: FeedRequest, cursor: str | None) -> FeedPage:
        with self._current() as now:
            asked, rest = replace(request, as_of=now.as_of), None
            if cursor is not None:
                with self.database.read() as connection:
                    asked, rest = go_on(connection, asked, cursor)
            slate = self.challenger.engine_for(now.engine, asked.reader).recommend(asked, rest)
            first = rest is None and not now.degraded
            unseen = self.challenger.shadow(now.engine, asked) if first else None
            return self._logged(asked, replace(slate.ranking, degraded=now.degraded), slate.remaining, unseen)

    def _logged(
        self, request: FeedRequest, ranking: Ranking, left: RemainingCandidates, unseen: Ranking | None
    ) -> FeedPage:
        """The page, in the log or else in the spool; `unseen` is what a challenger would have shown."""
        if not ranking.items:
            return FeedPage(ranking, None)
        try:
            with self.engine.metrics.timed(LOG):
                return FeedPage(ranking, self._log_slate(request, ranking, left, unseen))
        except StoreUnavailableError:
            # it may be stored all the same, if only the answer was lost: its id stores it once
            self.spool.put(slate_of(request, ranking, known_at=request.as_of))
            return FeedPage(replace(ranking, degraded=True), None)

    def _log_slate(
        self, request: FeedRequest, ranking: Ranking, left: RemainingCandidates, unseen: Ranking | None
    ) -> str | None:
        """Append the slate, and keep what it left; returns the cursor to that."""
        with self.database.write() as connection:
            end = event_log.lock(connection)
            self.clock.at_least(end.last_known_at)
            slate = slate_of(request, ranking, self.clock.next())
            event_log.append_slate(connection, slate, end)
            cursor = keep(connection, request, left)
            if unseen is not None:
                shadows.add(connection, request.reader, unseen)
        self._live.fold(slate, behind=end.last_seq)
        return cursor
