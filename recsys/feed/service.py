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
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys import bundle as bundles
from recsys.domain import FeedRequest, Ranking, RankRequest, Slate
from recsys.errors import AttuneError
from recsys.feed.clock import Clock
from recsys.feed.engine import FeedEngine
from recsys.feed.follow import LogFollower
from recsys.feed.touched import touched
from recsys.feed.trained import load_system
from recsys.feed.vectors import Encoder, VectorTable, ensure_vectors, stored_vectors
from recsys.frames import ARTICLES, empty, slates_frame
from recsys.index.build import make_index
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store import log
from recsys.store.database import Database

logger = logging.getLogger(__name__)

T = TypeVar("T")


class FeedService:
    """Answers feed and rank requests from the log of one database."""

    def __init__(self, database: Database, settings: Settings, encoder: Encoder) -> None:
        self.database = database
        self.clock = Clock()
        self.ready = threading.Event()
        self._settings = settings
        self._encoder = encoder
        self._lock = threading.RLock()
        self._follower = LogFollower(database, settings.home / "state")
        self._engine = FeedEngine(self._follower.state, VectorTable())
        self._backlog = empty(ARTICLES)
        self.failure: str | None = None

    @property
    def default_explore(self) -> float:
        """Share of exploration in a feed that does not ask for one."""
        return self._settings.explore

    @property
    def engine(self) -> FeedEngine:
        """The engine as it is now."""
        return self._engine

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without one the starting engine serves.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database cannot be reached.
        """
        with self._lock:
            self._follower.start()
            self._engine = self._load_engine()
            with self.database.read() as connection:
                everything, _ = article_store.changed_since(connection, 0)
            self._rebuild(everything)

    def embed_backlog(self) -> None:
        """Encode what had no vector at the start; from then on the service is ready.

        A failure is kept in `failure` and logged: the service goes on without those vectors, and never gets ready.
        """
        try:
            self._embed(self._backlog)
        except AttuneError as error:
            self.failure = str(error)
            logger.exception("articles could not be encoded")
            return
        self._backlog = self._backlog.clear()
        self.ready.set()

    def stop(self) -> None:
        """Write a snapshot of the state, so that the next start is quick."""
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
        """Take in articles stored or changed lately: known at once, searchable when they are encoded."""
        with self._lock:
            changed = self._follower.refresh_articles()
        self._embed(changed)

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
            with self.database.read() as connection:
                everything, _ = article_store.changed_since(connection, 0)
            self._rebuild(everything)

    def _load_engine(self) -> FeedEngine:
        settings, state = self._settings, self._follower.state
        engine = FeedEngine(
            state,
            VectorTable(),
            pool=settings.feed_candidates,
            max_age=settings.max_article_age_days,
            touched=partial(touched, self.database),
        )
        version = bundles.active_version(settings.home)
        if version is None:
            logger.info("no bundle yet: serving the starting engine")
            return engine
        system = load_system(bundles.load(settings.home, version), self._encoder.name)
        return replace(engine, matcher=system.matcher, ranker=system.ranker, model=system.version)

    def _rebuild(self, articles: pl.DataFrame) -> None:
        """Fill a new vector table and index from what is stored; the rest becomes the backlog."""
        present, vectors = stored_vectors(self.database, self._encoder.name, articles)
        self._backlog = articles.filter(pl.Series(~present))
        self._engine = replace(self._engine, state=self._follower.state, vectors=VectorTable(), index=None)
        self._put(articles.filter(pl.Series(present)), vectors)

    def _embed(self, articles: pl.DataFrame) -> None:
        if articles.is_empty():
            return
        vectors = ensure_vectors(self.database, self._encoder, articles)
        with self._lock:
            self._put(articles, vectors)

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
        slate = Slate(
            id=request.request_id,
            reader=request.reader,
            at=request.as_of,
            known_at=self.clock.next(),
            candidates=tuple(item.id for item in ranking.items),
            ordered=True,
            scores=tuple(item.score for item in ranking.items),
            propensities=tuple(item.propensity for item in ranking.items),
            model=ranking.model,
            device=request.device,
        )
        with self.database.write() as connection:
            log.append(connection, None, slates_frame([slate]))
        self._catch_up()
