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
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.bundle import active_version
from recsys.domain import FeedRequest, Ranking, RankRequest, Slate
from recsys.encoder.port import Encoder, ModelEncoder
from recsys.errors import EncoderError
from recsys.feed.calibrated import article_encoder
from recsys.feed.clock import Clock
from recsys.feed.engine import FeedEngine
from recsys.feed.follow import LogFollower
from recsys.feed.touched import touched
from recsys.feed.trained import TrainedSystem, active_system, equipped
from recsys.feed.vectors import VectorTable, ensure_vectors, stored_vectors
from recsys.frames import ARTICLES, empty, slates_frame, where
from recsys.index.build import make_index
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store import log
from recsys.store.database import Database

if TYPE_CHECKING:
    from recsys.attention.gauges import Gauges
    from recsys.feed.watch import AttentionWatch

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How soon articles that another process stores are taken in."""

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
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._librarian: threading.Thread | None = None
        self.failure: str | None = None

    @property
    def default_explore(self) -> float:
        """Share of exploration in a feed that does not ask for one."""
        return self._settings.explore

    @property
    def engine(self) -> FeedEngine:
        """The engine as it is now."""
        return self._engine

    @property
    def attention(self) -> "Gauges | None":
        """How calibration of article vectors goes; None if the bundle brings no calibrator."""
        watch = self._watch  # another thread may adopt a bundle meanwhile
        return None if watch is None else watch.monitor.gauges()

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without one the starting engine serves.

        From then on a thread takes in new articles: first those of the log that have no vector yet.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database cannot be reached.
        """
        with self._lock:
            self._follower.start()
            self._engine = self._starting_engine()
            self._use(active_system(self._settings.home, self._encoder.name))
            self._rebuild()
        self._librarian = threading.Thread(target=self._take_in_articles, name="articles", daemon=True)
        self._librarian.start()

    def stop(self) -> None:
        """Stop taking in articles, and write a snapshot of the state, so that the next start is quick."""
        self._stopping.set()
        self._woken.set()
        if self._librarian is not None:
            self._librarian.join(_PATIENCE)
        with self._lock:
            self._follower.save_snapshot()

    def feed(self, request: FeedRequest) -> Ranking:
        """Recommend a slate; it is in the log before this returns. `as_of` is set here."""
        with self._current() as as_of:
            asked = replace(request, as_of=as_of)
            ranking = self._engine.recommend(asked)
            if ranking.items:
                self._log_slate(asked, ranking)
        return ranking

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Rank the candidates of `request`; nothing is logged. `as_of` is set here."""
        with self._current() as as_of:
            return self._engine.rank(replace(request, as_of=as_of), explain)

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
            waiting, since = self._waiting, self._revision
        with self.database.read() as connection:
            changed, revision = article_store.changed_since(connection, since)
        wanted = pl.concat([waiting, changed]).unique("id", keep="last", maintain_order=True)
        if wanted.is_empty():
            return
        try:
            vectors = ensure_vectors(self.database, self._reader, wanted)
        except EncoderError:
            with self._lock:
                self._follower.refresh_articles()
            raise
        with self._lock:
            self._follower.refresh_articles()
            if self._reader.name != self._served:  # calibration was switched off
                self._rebuild()
                return
            self._put(wanted, vectors)
            self._waiting, self._revision = waiting.clear(), revision

    def adopt_bundle(self) -> None:
        """Serve with the active bundle, if another one was activated since.

        If its article vectors have another name, those stored serve at once, raw ones in the place of the rest.

        Raises:
            BundleError: it cannot be used; the engine stays as it is.
        """
        if active_version(self._settings.home) in (None, self._engine.model):
            return
        system = active_system(self._settings.home, self._encoder.name)
        with self._lock:
            self._use(system)
            if self._reader.name != self._served:
                self._rebuild()

    def articles_changed(self) -> None:
        """Tell that articles were stored, so that they are taken in now and not within a second."""
        self._woken.set()

    def _take_in_articles(self) -> None:
        """Encode what has no vector, then follow new articles, whoever stores them, until `stop`."""
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                self.adopt_bundle()
                self.refresh_articles()
                self._record_attention()
                self.failure = None
                self.ready.set()
            except Exception as error:  # whatever it was, the next articles must be taken in
                self.failure = str(error)
                logger.exception("articles could not be taken in; feeds go on without them")
            self._woken.wait(_POLL_SECONDS if self.failure is None else _PATIENCE)

    def _record_attention(self) -> None:
        if self._watch is not None:
            self._watch.record(self.database, self.clock.next())

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
            articles, self._revision = article_store.changed_since(connection, 0)
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

    def _log_slate(self, request: FeedRequest, ranking: Ranking) -> None:
        with self.database.write() as connection:
            end = log.lock(connection)
            self.clock.at_least(end.last_known_at)
            slate = _slate(request, ranking, self.clock.next())
            log.append(connection, None, slates_frame([slate]))
        self._catch_up()


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
        device=request.device,
        page=request.page,
    )
