"""A feed that lives: an engine that follows the log, logs what it shows, and learns of new articles.

Whoever answers or stores holds one lock, and all times come from one clock. So every row known before an answer's
`as_of` was folded before that answer, and a replay of the log up to `as_of` gives the same answer.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.bundle import active_version
from recsys.domain import FeedRequest, Ranking, RankRequest, Slate
from recsys.encoder.port import Encoder, ModelEncoder
from recsys.errors import EncoderError, StoreError
from recsys.feed.calibrated import article_encoder
from recsys.feed.clock import Clock
from recsys.feed.engine import FeedEngine
from recsys.feed.follow import LogFollower
from recsys.feed.muted import muted
from recsys.feed.pages import FeedPage, go_on, keep
from recsys.feed.periodic import Periodic
from recsys.feed.rest import Rest
from recsys.feed.touched import touched
from recsys.feed.trained import TrainedSystem, active_system, equipped
from recsys.feed.vectors import VectorTable, ensure_vectors, stored_vectors
from recsys.frames import ARTICLES, empty, where
from recsys.index.build import make_index
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store import log, pages, withdrawn
from recsys.store.database import Database

if TYPE_CHECKING:
    from recsys.attention.gauges import Gauges
    from recsys.feed.watch import AttentionWatch

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How soon articles that another process stores are taken in."""

_BUNDLE_POLL_SECONDS = 0.5
"""How soon a bundle that another process activates serves."""

_SWEEP_SECONDS = 60.0
"""How often pages that nobody can go on with any more are deleted."""

_PATIENCE = 10.0
"""Seconds that `stop` waits for articles being encoded, and between attempts after a failure."""

T = TypeVar("T")


class FeedService:
    """Answers feed and rank requests from the log of one database."""

    def __init__(self, database: Database, settings: Settings, encoder: ModelEncoder) -> None:
        self.database = database
        self.clock = Clock()
        self.ready = threading.Event()
        self._settings = settings
        self._encoder = encoder
        self._reader: Encoder = encoder
        self._watch: AttentionWatch | None = None
        self._served = encoder.name  # name of the vectors in the engine
        self._lock = threading.RLock()
        self._follower = LogFollower(database, settings.home / "state")
        self._engine = FeedEngine(self._follower.state, VectorTable())
        self._waiting = empty(ARTICLES)
        self._revision = 0
        self._adopting = threading.Lock()
        self.articles = Periodic("articles", self._take_in_articles, _POLL_SECONDS, _PATIENCE)
        self.bundles = Periodic("bundles", self.adopt_bundle, _BUNDLE_POLL_SECONDS, _BUNDLE_POLL_SECONDS)
        self.sweeping = Periodic("expired pages", self._sweep_pages, _SWEEP_SECONDS, _SWEEP_SECONDS)

    @property
    def failure(self) -> str | None:
        """Why articles cannot be taken in, or the active bundle cannot serve; feeds go on as they were."""
        return self.articles.failure or self.bundles.failure

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
        return self._engine

    @property
    def attention(self) -> "Gauges | None":
        """How calibration of article vectors goes; None if the bundle brings no calibrator."""
        watch = self._watch  # another thread may adopt a bundle meanwhile
        return None if watch is None else watch.monitor.gauges()

    def lag(self) -> int | None:
        """Rows of the log that are not folded yet; None while the database cannot be reached."""
        try:
            with self.database.read() as connection:
                return max(log.position(connection).last_seq - self._follower.watermark.seq, 0)
        except StoreError as error:
            logger.warning("how far the log is ahead is not known: %s", error)
            return None

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without one the starting engine serves.

        From then on one thread takes in new articles, first those of the log that have no vector yet, and another
        one adopts bundles that are activated.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database cannot be reached.
        """
        with self._lock:
            self._follower.start()
            self._engine = self._starting_engine()
            self._use(active_system(self._settings.home, self._encoder.name))
            self._rebuild()
        self.articles.start()
        self.bundles.start()
        self.sweeping.start()

    def stop(self) -> None:
        """Stop taking in articles and bundles, and write a snapshot, so that the next start is quick."""
        self.sweeping.stop(_PATIENCE)
        self.bundles.stop(_PATIENCE)
        self.articles.stop(_PATIENCE)
        with self._lock:
            self._follower.save_snapshot()

    def feed(self, request: FeedRequest, cursor: str | None = None) -> FeedPage:
        """Recommend a slate; it is in the log before this returns. `as_of` is set here.

        With the `cursor` of an earlier page, the slate goes on with that feed as it was asked for: of what is left
        of it, what the reader may still be shown.

        Raises:
            RequestError: the cursor is unknown, another reader's, or has expired.
        """
        with self._current() as as_of:
            asked, rest = replace(request, as_of=as_of), None
            if cursor is not None:
                with self.database.read() as connection:
                    asked, rest = go_on(connection, asked, cursor)
            ranking, left = self._engine.page(asked, rest)
            return FeedPage(ranking, self._log_slate(asked, ranking, left) if ranking.items else None)

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Rank the candidates of `request`; nothing is logged. `as_of` is set here."""
        with self._current() as as_of:
            return self._engine.rank(replace(request, as_of=as_of), explain)

    def ask(self, question: Callable[[FeedEngine, int], T]) -> T:
        """Ask the engine, everything known folded: `question` gets it, and an `as_of` later than all of that."""
        with self._current() as as_of:
            return question(self._engine, as_of)

    def store(self, write: Callable[[], T]) -> T:
        """Run a write to the log and fold what it appended, before anybody else is answered."""
        with self._lock:
            result = write()
            self._catch_up()
            return result

    def refresh_articles(self) -> None:
        """Take in articles stored or changed lately: encoded first, then known and searchable at once.

        Raises:
            EncoderError: the encoder fails; the articles are known all the same, and wait for their vectors.
        """
        with self._lock:
            waiting, since, reader = self._waiting, self._revision, self._reader
        with self.database.read() as connection:
            gone, last = withdrawn.since(connection, since)
            changed, newest = article_store.changed_since(connection, since)
        revision = max(last, newest)
        wanted = pl.concat([waiting, changed]).unique("id", keep="last", maintain_order=True)
        wanted = wanted.filter(~pl.col("id").is_in(gone))
        if wanted.is_empty() and not gone:
            return
        try:
            vectors = ensure_vectors(self.database, reader, wanted)
        except EncoderError:
            with self._lock:
                self._follower.refresh_articles()
            raise
        with self._lock:
            self._follower.refresh_articles()
            if self._reader is not reader:  # another bundle was adopted meanwhile: its articles are read next time
                return
            if reader.name != self._served:  # calibration was switched off
                self._rebuild()
                return
            self._take_out(gone)
            self._put(wanted, vectors)
            self._waiting, self._revision = waiting.clear(), revision

    def adopt_bundle(self) -> None:
        """Serve with the active bundle, if another one was activated since: whole, from one answer to the next.

        If its article vectors have another name, those stored serve at once, raw ones in the place of the rest.

        Raises:
            BundleError: it cannot be used; the engine stays as it is.
        """
        with self._adopting:  # one at a time, or an older one could come last
            if active_version(self._settings.home) in (None, self._engine.model):
                return
            system = active_system(self._settings.home, self._encoder.name)
            with self._lock:
                self._use(system)
                if self._reader.name != self._served:
                    self._rebuild()

    def articles_changed(self) -> None:
        """Tell that articles were stored, so that they are taken in now and not within a second."""
        self.articles.wake()

    def _take_in_articles(self) -> None:
        """Encode what has no vector, and follow what other processes stored."""
        self.refresh_articles()
        self._follow()
        self._record_attention()
        self.ready.set()

    def _follow(self) -> None:
        """Fold what other processes appended also when nobody asks: who was erased is not to stay in memory."""
        with self._lock:
            self._catch_up()

    def _record_attention(self) -> None:
        watch = self._watch  # another thread may adopt a bundle meanwhile
        if watch is not None:
            watch.record(self.database, self.clock.next())

    def _sweep_pages(self) -> None:
        """Delete what nobody can go on with any more."""
        with self.database.write() as connection:
            pages.sweep(connection, self.clock.next())

    @contextmanager
    def _current(self) -> Iterator[int]:
        """Hold the lock with everything known folded; gives an `as_of` later than all of it."""
        with self._lock:
            self._catch_up()
            self.clock.at_least(self._follower.state.known_at)
            yield self.clock.next()

    def _catch_up(self) -> None:
        self._follower.catch_up()
        if self._follower.state is not self._engine.state:
            # the log was folded anew, so dense ids changed: align the vectors with them
            self._rebuild()

    def _starting_engine(self) -> FeedEngine:
        return FeedEngine(
            self._follower.state,
            VectorTable(),
            pool=self._settings.feed_candidates,
            max_age=self._settings.max_article_age_days,
            touched=partial(touched, self.database),
            muted=partial(muted, self.database),
        )

    def _use(self, system: TrainedSystem | None) -> None:
        """Rank with `system`, and read articles as it wants them read; a breaker that was open is no more."""
        self._engine = equipped(self._engine, system)
        if system is None or system.calibration is None:
            self._reader, self._watch = self._encoder, None
            return
        from recsys.feed.watch import AttentionWatch

        watch = AttentionWatch(system.version, system.calibration)
        self._reader = article_encoder(self._encoder, system.calibration, watch.breaker, [watch.monitor])
        self._watch = watch

    def _rebuild(self) -> None:
        """Fill a new vector table and index from what is stored; the rest waits for `refresh_articles`.

        Where there is no calibrated vector yet, the raw one serves: both lie in one space.
        """
        with self.database.read() as connection:
            articles, newest = article_store.changed_since(connection, 0)
            self._revision = max(newest, withdrawn.since(connection, 0)[1])
        self._engine = replace(self._engine, state=self._follower.state, vectors=VectorTable(), index=None)
        self._served = self._reader.name
        self._waiting = self._put_stored(self._served, articles)
        if self._served != self._encoder.name:
            self._put_stored(self._encoder.name, self._waiting)

    def _put_stored(self, name: str, articles: pl.DataFrame) -> pl.DataFrame:
        """Take in the vectors called `name`; returns the articles that have none."""
        present, vectors = stored_vectors(self.database, name, articles)
        self._put(where(articles, present), vectors)
        return where(articles, ~present)

    def _put(self, articles: pl.DataFrame, vectors: NDArray[np.float32]) -> None:
        ids = articles["id"].to_list()
        if not ids:
            return
        index = self._engine.index
        if index is None:
            index = make_index(self._settings.index, vectors.shape[1], len(ids), self._settings.device)
            self._engine = replace(self._engine, index=index)
        self._engine.vectors.put(self._engine.state.articles.lookup(ids), vectors)
        index.add(ids, vectors)

    def _take_out(self, ids: list[str]) -> None:
        rows = self._engine.state.articles.lookup(ids)
        self._engine.vectors.drop(rows[rows >= 0])
        if self._engine.index is not None:
            self._engine.index.remove(ids)

    def _log_slate(self, request: FeedRequest, ranking: Ranking, left: Rest) -> str | None:
        """Append the slate, and keep what it left; returns the cursor to that."""
        with self.database.write() as connection:
            end = log.lock(connection)
            self.clock.at_least(end.last_known_at)
            slate = _slate(request, ranking, self.clock.next())
            log.append_slate(connection, slate, end)
            cursor = keep(connection, request, left)
        self._catch_up()
        return cursor


def _slate(request: FeedRequest, ranking: Ranking, known_at: int) -> Slate:
    return Slate(
        id=request.request_id,
        reader=request.reader,
        at=request.as_of,
        known_at=known_at,
        candidates=tuple(item.id for item in ranking.items),
        ordered=True,
        scores=tuple(item.score for item in ranking.items),
        propensities=tuple(item.propensity for item in ranking.items),
        model=ranking.model,
        session=request.session,
        device=request.device,
        page=request.page,
    )
