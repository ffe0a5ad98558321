"""Engine of one process, kept up to date with the log, the stored articles, and the active bundle.

Callers that use or change the engine hold `lock`. `serving` is replaced as a whole; only the state, the vectors
and the index in it are updated in place.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from recsys.editorial.rule_book import RuleBook
from recsys.encoder.protocols import Encoder, ModelEncoder
from recsys.errors import EncoderError
from recsys.feed.engine import FeedEngine
from recsys.feed.reader_lookups import ReaderLookups, seen_articles
from recsys.feed.retrieval import feed_limits
from recsys.frames import ARTICLES, empty, where
from recsys.models.bundle import active_version
from recsys.models.model_loader import TrainedSystem, active_system
from recsys.models.model_set import Models
from recsys.projection.log_follower import LogFollower
from recsys.projection.vector_table import VectorTable
from recsys.serving.article_cache import ArticleCache
from recsys.serving.article_encoding import EncodedArticles, encode_articles
from recsys.serving.bundle_encoder import bundle_encoder
from recsys.serving.challenger import Challenger
from recsys.serving.engine_vectors import EngineVectors
from recsys.serving.preference_cache import PreferenceCache
from recsys.serving.rebuilt_vectors import rebuild_vectors
from recsys.serving.replaced_state import with_state
from recsys.serving.rule_changes import rule_changes, unknown_articles
from recsys.serving.serving_engine import ServingEngine
from recsys.settings import Settings
from recsys.state.live_state import LiveState
from recsys.state.shard import Shard
from recsys.store import articles, rules
from recsys.store.articles import ArticleChanges
from recsys.store.database import Database, without_timeout

FOLD_PATIENCE = 1.0
"""Seconds that answers wait while the log is folded again, before they come from the state so far."""

MOST_TOGETHER = 500
"""Articles that become searchable together: answers wait meanwhile, and the other articles of an import too."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Articles that wait to be encoded by `encoder`, and the changes of stored articles that they are part of."""

    encoder: Encoder
    articles: pl.DataFrame
    changes: ArticleChanges


class LiveEngine:
    """Engine of one process.

    Attributes:
        lock: held by callers that use or change the engine.
        follower: folds the log into the state.
        serving: current engine and its encoder.
        summaries: properties of articles that a feed shows.
        preferences: explicit preferences of the readers of the shard.
        challenger: bundle of the running experiment, if any.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        encoder: ModelEncoder,
        fold_patience: float | None = FOLD_PATIENCE,
    ) -> None:
        self.lock = threading.RLock()
        shard = Shard.parse(settings.shard)
        self.preferences = PreferenceCache(database, shard)
        self.follower = LogFollower(
            database, settings.home / "state", self.preferences.update, fold_patience, shard
        )
        self.summaries = ArticleCache()
        self.challenger = Challenger(settings.home, lambda: encoder.name)
        self._database = database
        self._settings = settings
        self._raw_encoder = encoder
        self._vectors = EngineVectors(settings)
        self._adopting = threading.Lock()
        self._ruling = threading.Lock()
        self.serving = ServingEngine(
            engine=self._new_engine(Models.untrained()),
            encoder=encoder,
            vector_name=encoder.name,
            monitor=None,
            revision=0,
            unencoded=empty(ARTICLES),
        )

    @property
    def engine(self) -> FeedEngine:
        """Current engine."""
        return self.serving.engine

    def start(self) -> None:
        """Load state, stored vectors and the active bundle; without a bundle the untrained models serve.

        Raises:
            BundleError: the active bundle cannot be used.
            StoreError: the database is unavailable.
        """
        with self.lock:
            self.follower.start()
            self.preferences.refresh()
            system = active_system(self._settings.home, self._raw_encoder.name)
            with self._database.read() as connection:
                standing = rules.standing(connection, time.time_ns() // 1_000)
            serving = self._with_system(system)
            state = self.follower.state
            book = RuleBook.of(standing, state, empty(ARTICLES))
            self.serving = replace(serving, engine=replace(serving.engine, state=state, rules=book))
            self._rebuild(self.serving)

    def from_memory(self) -> FeedEngine:
        """Return the engine for answers without the database: reads older than the history ring are unknown."""
        return replace(self.engine, lookups=ReaderLookups(preferences=self.preferences.of))

    def catch_up(self) -> None:
        """Fold the rows appended since the last call; call with `lock` held."""
        last_erasure = self.follower.last_erasure
        self.follower.catch_up()
        if self.follower.last_erasure > last_erasure:
            self.preferences.refresh()  # those of the erased reader are gone
        if self.follower.state is not self.engine.state:
            self._adopt_state(self.follower.state)

    def _adopt_state(self, state: LiveState) -> None:
        """Serve with a state that was folded again: its dense ids are others, and its articles may be older."""
        self.preferences.refresh()
        with self._database.read() as connection:
            changes = articles.changes_since(connection, min(self.follower.revision, self.serving.revision))
        state.upsert_articles(changes.upserted)
        engine = with_state(self.engine, state)
        book = engine.rules.with_articles(state, changes.upserted)
        self.serving = replace(self.serving, engine=replace(engine, rules=book))
        self.summaries.put(changes.upserted)
        self._delete(changes.withdrawn)  # the index may have them; `refresh_articles` encodes the others

    def save(self, least_rows: int, least_articles: int) -> None:
        """Save state and index if they have this much new content, so that a restart continues from there.

        Answers wait while the index is written, but not while the state is.
        """
        if self.follower.unsaved >= least_rows:
            self.follower.save_snapshot(self.lock)
        with self.lock:
            self._vectors.save(self.engine, least_articles)

    def refresh_articles(self) -> bool:
        """Apply changes of stored articles: encode new ones, then make them known and searchable, some at a time.

        Withdrawn articles leave all feeds before anything is encoded. Articles that rules place, such as breaking
        news, are known by then, too. Of the others, those published last come first, also if they are stored
        meanwhile; what is then left waits for the next call. Return False if another process is still
        encoding some.

        Raises:
            EncoderError: the encoder fails; new articles are known without vectors, and are tried again.
        """
        waiting = self._waiting()
        parts = max(1, -(-waiting.articles.height // MOST_TOGETHER))
        for _ in range(parts):
            if waiting.articles.is_empty() and not waiting.changes.withdrawn:
                return True
            self._apply_urgent(waiting.changes)
            if not self._refresh_first(waiting):
                return False
            waiting = self._waiting()
        return True

    def adopt_bundle(self) -> None:
        """Serve with the active bundle, if another one was activated since the last call.

        If its article vectors have another name or space, the stored ones serve with it, with raw vectors for the
        others. Until they are prepared, answers come from the former bundle.

        Raises:
            BundleError: the bundle cannot be used; the engine does not change.
        """
        with self._adopting:  # one call at a time, or an older bundle could be adopted last
            if active_version(self._settings.home) in (None, self.engine.models.version):
                return
            system = active_system(self._settings.home, self._raw_encoder.name)
            with self.lock:
                serving = self._with_system(system)
                moved = serving.engine.models.space.digest != serving.engine.vectors.space.digest
                if not moved and serving.encoder.name == serving.vector_name:
                    self.serving = serving
                    return
            self._rebuild(serving)

    def refresh_rules(self, at: int) -> None:
        """Adopt the rules of editors that stand at `at` (microseconds), if others stood at the last call.

        Raises:
            StoreError: the database is unavailable; the former rules stay.
        """
        with self._ruling:  # one call at a time, or an older list could be adopted last
            with self._database.read() as connection:
                changes = rule_changes(connection, self.engine.rules, at)
            if changes is None:
                return
            with self.lock:
                with self._database.read() as connection:
                    later = articles.changes_since(connection, changes.revision)
                    unknown = unknown_articles(connection, changes, self.engine.state)
                self.summaries.put(unknown)
                self._upsert(unknown)
                state = self.engine.state
                matched = RuleBook.of(changes.new, state, changes.articles).with_articles(state, later.upserted)
                book = self.engine.rules.with_rules(changes.standing, matched)
                self.serving = replace(self.serving, engine=replace(self.engine, rules=book))

    def adopt_challenger(self) -> None:
        """Load the bundle of the running experiment, or drop it if the experiment ended.

        Raises:
            BundleError: the challenger cannot be used; the former one remains.
        """
        self.challenger.adopt(self.engine.models)

    def _apply_urgent(self, changes: ArticleChanges) -> None:
        """Apply those `changes` that do not wait for the encoder: withdrawals, and articles that rules place."""
        with self.lock:
            self.summaries.put(changes.upserted)
            if changes.withdrawn:
                self._delete(changes.withdrawn)
                self._upsert(changes.upserted)
            else:
                self._upsert(self.engine.rules.placed_among(changes.upserted))

    def _waiting(self) -> _Waiting:
        with self.lock:
            before = self.serving
        with self._database.read() as connection:
            changes = articles.changes_since(connection, before.revision)
        pending = _newest(before.unencoded, changes.upserted, without=changes.withdrawn)
        # news does not wait for an archive that is imported
        latest_first = pending.sort("published_at", descending=True, nulls_last=True, maintain_order=True)
        return _Waiting(before.encoder, latest_first, changes)

    def _refresh_first(self, waiting: _Waiting) -> bool:
        """Encode and adopt the first articles that wait; return False if another process is encoding some of them.

        Raises:
            EncoderError: the encoder fails; all that wait are known without vectors.
        """
        first, others = waiting.articles[:MOST_TOGETHER], waiting.articles[MOST_TOGETHER:]
        try:
            encoded = encode_articles(self._database, waiting.encoder, first)
        except EncoderError:
            with self.lock:
                self._apply(replace(waiting.changes, upserted=waiting.articles))
            raise
        with self.lock:
            later = self._apply(replace(waiting.changes, upserted=first))
            if self.serving.encoder is not waiting.encoder:
                return True  # another bundle was adopted: the next call encodes them
            if self.serving.encoder.name == self.serving.vector_name:
                return self._adopt_encoded(encoded, others, later)
        with self._adopting:
            if self.serving.encoder.name != self.serving.vector_name:  # the breaker switched calibration off
                self._rebuild(self.serving)
        return True

    def _adopt_encoded(self, encoded: EncodedArticles, others: pl.DataFrame, later: ArticleChanges) -> bool:
        """Make the articles with vectors searchable, while `others` wait; call with `lock` held.

        later: changes that were stored after these articles were read. Return False if articles are left that
        another process is encoding.
        """
        pending, present = encoded.articles, encoded.present
        current = ~pending["id"].is_in([*later.upserted["id"], *later.withdrawn]).to_numpy()
        added = where(pending, present & current)
        waiting = pl.concat([self.serving.unencoded, where(pending, ~present), others])
        unencoded = _newest(waiting, later.upserted, without=[*added["id"], *later.withdrawn])
        engine = self._vectors.add(self.engine, added, encoded.vectors[current[present]])
        self.serving = replace(self.serving, engine=engine, revision=later.revision, unencoded=unencoded)
        return bool(present.all())

    def _new_engine(self, models: Models) -> FeedEngine:
        return FeedEngine(
            state=self.follower.state,
            vectors=VectorTable(models.space),
            models=models,
            lookups=ReaderLookups(
                seen_articles=lambda reader, before: seen_articles(self._database, reader, before),
                preferences=self.preferences.of,
            ),
            limits=feed_limits(self._settings),
        )

    def _with_system(self, system: TrainedSystem | None) -> ServingEngine:
        """Return the serving value with the models and the calibration of `system`; its breaker is closed."""
        models = Models.untrained() if system is None else system.models
        encoder, monitor = bundle_encoder(self._raw_encoder, system)
        engine = replace(self.engine, models=models)
        return replace(self.serving, engine=engine, encoder=encoder, monitor=monitor)

    def _rebuild(self, serving: ServingEngine) -> None:
        """Serve with the models and the encoder of `serving`, and with vectors of that encoder in their space.

        An article without a calibrated vector gets its raw one: both lie in one space. Other articles stay
        unencoded. Answers wait for the exchange only. Call with `_adopting` held, or before anything is served.
        """
        models, name = serving.engine.models, serving.encoder.name
        while True:
            known = self.serving.revision
            with self._database.read() as connection, without_timeout(connection):
                catalogue = articles.changes_since(connection, 0)
                changes = articles.changes_since(connection, known) if known else catalogue
            with self.lock:
                self.summaries.put(changes.upserted)
                self._delete(changes.withdrawn)
                self._apply(changes)
                state = self.engine.state
            names = (name, self._raw_encoder.name)
            new_index = self._vectors.new_index
            rebuilt = rebuild_vectors(self._database, state, catalogue, names, models.space, new_index)
            with self.lock:
                if self.engine.state is not state:
                    continue  # the log was folded again meanwhile: dense ids are others
                rebuilt.adopt_links()
                engine = replace(self.engine, models=models, vectors=rebuilt.table, index=rebuilt.index)
                self.serving = replace(
                    serving,
                    engine=engine,
                    vector_name=name,
                    revision=rebuilt.revision,
                    unencoded=rebuilt.unencoded,
                )
                self._apply(ArticleChanges(empty(ARTICLES), [], rebuilt.revision))
                return

    def _apply(self, changes: ArticleChanges) -> ArticleChanges:
        """Apply `changes` to the state, and those stored since they were read, which win; return the latter.

        Articles change while others are encoded, and the log may be folded anew: old rows must not come back.
        """
        with self._database.read() as connection:
            later = articles.changes_since(connection, changes.revision)
        self.summaries.put(later.upserted)
        self._upsert(_newest(changes.upserted, later.upserted, without=later.withdrawn))
        if later.withdrawn:
            self._delete(later.withdrawn)
        return later

    def _upsert(self, changed: pl.DataFrame) -> None:
        """Store article columns in the state, and match the rules with them again."""
        if changed.is_empty():
            return
        self.engine.state.upsert_articles(changed)
        book = self.engine.rules.with_articles(self.engine.state, changed)
        self.serving = replace(self.serving, engine=replace(self.engine, rules=book))

    def _delete(self, ids: list[str]) -> None:
        self.engine.state.delete_articles(ids)
        self._vectors.remove(self.engine, ids)
        self.summaries.drop(ids)


def _newest(older: pl.DataFrame, newer: pl.DataFrame, without: Sequence[str]) -> pl.DataFrame:
    """Return the newest row of each article of both frames, except those in `without`."""
    rows = pl.concat([older, newer]).unique("id", keep="last", maintain_order=True)
    return rows.filter(~pl.col("id").is_in(list(without)))
