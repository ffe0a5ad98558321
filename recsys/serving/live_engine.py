"""An engine kept true to three things: the log, the stored vectors of articles, and the active bundle.

Whoever asks the engine or changes it holds `lock`. The engine itself is replaced, never changed, but for the state
and vectors that it names.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import Slate
from recsys.encoder.protocols import Encoder, ModelEncoder
from recsys.errors import EncoderError
from recsys.feed.engine import FeedEngine
from recsys.feed.touched import seen_articles
from recsys.frames import ARTICLES, empty, where
from recsys.index.cached_index import CachedIndex
from recsys.index.index_factory import make_index
from recsys.index.vector_index import VectorIndex
from recsys.models.bundle import active_version
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import TrainedSystem, active_system, with_models
from recsys.projection.log_follower import LogFollower
from recsys.projection.vector_table import VectorTable, ensure_vectors, stored_vectors
from recsys.serving.article_cache import ArticleCache
from recsys.serving.challenger import Challenger
from recsys.serving.preference_cache import PreferenceCache
from recsys.serving.saved_index import SavedIndex
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store import withdrawn
from recsys.store.database import Database, without_timeout

if TYPE_CHECKING:
    from recsys.serving.calibration_monitor import CalibrationMonitor


class LiveEngine:
    """The engine of one process.

    Attributes:
        lock: held by whoever asks or changes the engine.
        follower: brings the log into the state.
        engine: as it is now.
        watch: the calibration of the active bundle; None if it brings none.
        cards: of the articles.
        said: by the readers, of topics and sources.
        challenger: what is tried beside the active bundle.
    """

    def __init__(self, database: Database, settings: Settings, encoder: ModelEncoder) -> None:
        self.lock = threading.RLock()
        self.said = PreferenceCache(database)
        self.follower = LogFollower(database, settings.home / "state", self.said.update)
        self.engine = FeedEngine(self.follower.state, VectorTable())
        self.watch: CalibrationMonitor | None = None
        self.summaries = ArticleCache()
        self.challenger = Challenger(settings.home, lambda: encoder.name)
        self._database = database
        self._settings = settings
        self._encoder = encoder
        self._reader: Encoder = encoder
        self._served = encoder.name  # name of the vectors in the engine
        self._waiting = empty(ARTICLES)
        self._revision = 0
        self._saved = SavedIndex(settings.home / "index", settings.index, settings.device)
        self._unsaved = 0
        self._adopting = threading.Lock()

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without one the starting engine serves.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database cannot be reached.
        """
        with self.lock:
            self.follower.start()
            self.said.refresh()
            self.engine = self._untrained_engine()
            self._use(active_system(self._settings.home, self._encoder.name))
            self._rebuild()

    @property
    def from_memory(self) -> FeedEngine:
        """The engine without the database: of what a reader had long ago it knows nothing."""
        return replace(self.engine, seen_articles=None)

    def catch_up(self) -> None:
        """Fold what was appended to the log since; with `lock` held."""
        self.follower.catch_up()
        if self.follower.state is not self.engine.state:
            # the log was folded anew, so dense ids changed: align the vectors with them
            self.said.refresh()
            self._rebuild()

    def fold(self, slate: Slate, behind: int) -> None:
        """Fold a slate that this process appended behind row `behind` of the log; with `lock` held."""
        if not self.follower.fold_slate(slate, behind):
            self.catch_up()

    def save(self, least_rows: int, least_articles: int) -> None:
        """Save state and index if so much is new in them, so that a restart goes on from there.

        Answers wait while the index is written, not while the state is.
        """
        if self.follower.unsaved >= least_rows:
            self.follower.save_snapshot(self.lock)
        with self.lock:
            index = self.engine.index
            if index is None or self._unsaved < least_articles:
                return
            rows = self.engine.state.articles.lookup(index.ids())
            self._saved.save(index, self.engine.vectors.take(rows))
            self._unsaved = 0

    def refresh_articles(self) -> None:
        """Take in articles stored, changed or withdrawn lately: encoded first, then known and searchable at once.

        What was withdrawn is in no feed from then on, however long others take to encode.

        Raises:
            EncoderError: the encoder fails; the articles are known all the same, and wait for their vectors.
        """
        with self.lock:
            waiting, since, reader = self._waiting, self._revision, self._reader
        with self._database.read() as connection:
            gone, last = withdrawn.deleted_since(connection, since)
            changed, newest = article_store.changed_since(connection, since)
        revision = max(last, newest)
        wanted = pl.concat([waiting, changed]).unique("id", keep="last", maintain_order=True)
        wanted = wanted.filter(~pl.col("id").is_in(gone))
        if wanted.is_empty() and not gone:
            return
        with self.lock:
            self.summaries.put(changed)
            if gone:
                self._update_state()
                self.summaries.drop(gone)
                self._take_out(gone)
        try:
            vectors = ensure_vectors(self._database, reader, wanted)
        except EncoderError:
            with self.lock:
                self._update_state()
            raise
        with self.lock:
            self._update_state()
            if self._reader is not reader:  # another bundle was adopted meanwhile: its articles are read next time
                return
            if reader.name != self._served:  # calibration was switched off
                self._rebuild()
                return
            self._put(wanted, vectors)
            self._waiting, self._revision = waiting.clear(), revision

    def _update_state(self) -> None:
        """Let the state know what is stored; with what came since it was last read, which a feed may show now."""
        self.summaries.put(self.follower.refresh_articles())

    def adopt_bundle(self) -> None:
        """Serve with the active bundle, if another one was activated since: whole, from one answer to the next.

        If its article vectors have another name, those stored serve at once, raw ones in the place of the rest.

        Raises:
            BundleError: it cannot be used; the engine stays as it is.
        """
        with self._adopting:  # one at a time, or an older one could come last
            if active_version(self._settings.home) in (None, self.engine.model):
                return
            system = active_system(self._settings.home, self._encoder.name)
            with self.lock, self._whole():
                self._use(system)
                if self._reader.name != self._served:
                    self._rebuild()

    def adopt_challenger(self) -> None:
        """Try what is on trial now, or nothing any more.

        Raises:
            BundleError: it cannot be used; what was tried before stays.
        """
        self.challenger.adopt(self.engine.model)

    def _untrained_engine(self) -> FeedEngine:
        return FeedEngine(
            self.follower.state,
            VectorTable(),
            pool=self._settings.feed_candidates,
            max_age=self._settings.max_article_age_days,
            seen_articles=partial(seen_articles, self._database),
            said=self.said.of,
        )

    def _use(self, system: TrainedSystem | None) -> None:
        """Rank with `system`, and read articles as it wants them read; a breaker that was open is no more."""
        self.engine = with_models(self.engine, system)
        if system is None or system.calibration is None:
            self._reader, self.watch = self._encoder, None
            return
        from recsys.serving.calibration_monitor import CalibrationMonitor

        watch = CalibrationMonitor(system.version, system.calibration)
        self._reader = article_encoder(self._encoder, system.calibration, watch.breaker, [watch.monitor])
        self.watch = watch

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of a change, or nothing of it: the database may go away half-way."""
        usual = self.engine, self.watch, self._reader, self._served, self._waiting, self._revision
        try:
            yield
        except BaseException:
            self.engine, self.watch, self._reader, self._served, self._waiting, self._revision = usual
            raise

    def _rebuild(self) -> None:
        """Fill a new vector table and index from what is stored; the rest waits for `refresh_articles`.

        Where there is no calibrated vector yet, the raw one serves: both lie in one space.
        """
        with self._whole():
            with self._database.read() as connection, without_timeout(connection):
                articles, newest = article_store.changed_since(connection, 0)
                self._revision = max(newest, withdrawn.deleted_since(connection, 0)[1])
            self.summaries.put(articles)
            self.engine = replace(self.engine, state=self.follower.state, vectors=VectorTable(), index=None)
            self._served = self._reader.name
            self._waiting = self._put_stored(self._served, articles)
            if self._served != self._encoder.name:
                self._put_stored(self._encoder.name, self._waiting)

    def _put_stored(self, name: str, articles: pl.DataFrame) -> pl.DataFrame:
        """Take in the vectors called `name`; returns the articles that have none."""
        present, vectors = stored_vectors(self._database, name, articles)
        self._put(where(articles, present), vectors)
        return where(articles, ~present)

    def _put(self, articles: pl.DataFrame, vectors: NDArray[np.float32]) -> None:
        ids = articles["id"].to_list()
        if not ids:
            return
        rows = self.engine.state.articles.lookup(ids)
        known = rows >= 0  # one may have been withdrawn, and the log folded anew, while it was encoded
        self.engine.vectors.put(rows[known], vectors if known.all() else vectors[known])
        index = self.engine.index
        if index is None:
            index, ids, vectors = self._new_index(ids, vectors)
            self.engine = replace(self.engine, index=index)
        index.add(ids, vectors)
        self._unsaved += len(ids)

    def _new_index(
        self, ids: list[str], vectors: NDArray[np.float32]
    ) -> tuple[VectorIndex, list[str], NDArray[np.float32]]:
        """An index for `vectors` [n, d], as it was saved if it was, and what is still to be added."""
        saved = self._saved.load(ids, vectors)
        if saved is None:
            made = make_index(self._settings.index, vectors.shape[1], len(ids), self._settings.device)
            return CachedIndex(made), ids, vectors
        index, held = saved
        return (
            CachedIndex(index),
            [id_ for id_, there in zip(ids, held.tolist(), strict=True) if not there],
            vectors[~held],
        )

    def _take_out(self, ids: list[str]) -> None:
        rows = self.engine.state.articles.lookup(ids)
        self.engine.vectors.drop(rows[rows >= 0])
        if self.engine.index is not None:
            self._unsaved += self.engine.index.remove(ids)
