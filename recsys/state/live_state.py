"""The fold of the log. `LiveState.apply` is the only function that folds behaviour.

The API folds rows as they arrive; training and evaluation fold the same rows from the SQL log. For every cut of
the log into batches, histories are equal and counters agree.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.constants import HALF_LIVES, MAX_READ_SECONDS
from recsys.domain import Event, EventKind, Slate
from recsys.errors import OrderError
from recsys.state import row_batches
from recsys.state.catalog import NEVER, Catalog
from recsys.state.conversations import Conversations
from recsys.state.counters import DecayedCounters
from recsys.state.elo import EloRatings
from recsys.state.event_codes import (
    ATTRIBUTED_CLICK,
    CODE,
    COUNTERS,
    COUNTERS_OF,
    EXAMINED,
    FLAG_OF,
    FOLLOW_BEGINS,
    IMPRESSIONS,
    WEIGHTS_OF,
)
from recsys.state.exposures import Exposures
from recsys.state.flat_arrays import grow
from recsys.state.follow_graph import FollowGraph
from recsys.state.histories import Histories, History
from recsys.state.log_batch import Behaviours, Follows, LogBatch, Shown
from recsys.state.position_bias import examination_probability
from recsys.state.shard import WHOLE, Shard
from recsys.state.shard_exposures import ShardExposures
from recsys.state.vocabulary import UNKNOWN, Vocabulary

GLOBAL_GROUP, NO_CATEGORY, FIRST_CATEGORY = 0, 1, 2
"""Rows of `counters.groups`: all articles, articles without category; category c is at c + 2."""

UNKNOWN_ARTICLE = ""
"""Id of row 0, an article without known properties: requests for unknown ids are ranked as this article."""

_MOST_SECONDS = np.asarray(MAX_READ_SECONDS)
_READ = CODE[EventKind.READ]
_SHOWN_COLUMNS = ("known_at", "id", "order", "reader", "article", "place")
_NO_PLACE = pl.lit(0, dtype=pl.Int64).alias("place")


class LiveState:
    """Fold of the log up to one time, in flat arrays.

    A `shard` holds all counters of articles, equal to those of one process with all readers. Of readers of other
    shards it holds only what those counters and social circles need.
    """

    def __init__(self, shard: Shard = WHOLE) -> None:
        self.shard = shard
        self.readers = Vocabulary()
        self.articles = Vocabulary([UNKNOWN_ARTICLE])
        self.catalog = Catalog()
        self.counters = DecayedCounters(COUNTERS, HALF_LIVES)
        self.first_shown: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.histories = Histories()
        self.exposures: Exposures | ShardExposures = Exposures() if shard == WHOLE else ShardExposures(shard)
        self.elo = EloRatings()
        self.follows = FollowGraph()
        self.conversations = Conversations()
        self.known_at = 0
        self._reserve()

    @property
    def readers_held(self) -> int:
        """Number of readers of the shard."""
        exposures = self.exposures
        return len(self.readers) if isinstance(exposures, Exposures) else exposures.held

    def rows_of(self, articles: Sequence[str]) -> NDArray[np.int64]:
        """Return dense ids [n] of `articles`; 0, the unknown article, for unknown ids."""
        return np.maximum(self.articles.lookup(articles), 0)

    def upsert_articles(self, articles: pl.DataFrame) -> None:
        """Store article columns (`frames.ARTICLES`). Articles may come before or after their behaviour."""
        rows = self.articles.intern(articles["id"].to_list())
        above = [self._named(articles[name]) for name in ("reply_to", "thread")]
        self._reserve()
        self.conversations.set(rows, *above)
        before = self.catalog.category[rows]
        self.catalog.upsert(rows, articles)
        self._reserve()
        moved = rows[before != self.catalog.category[rows]]
        if self.counters.articles[moved].any():
            self._recount_groups()

    def delete_articles(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Delete the columns of articles, but not the behaviour on them; return their rows."""
        rows = self.articles.lookup(ids)
        rows = rows[rows >= 0]
        self.catalog.delete(rows)
        self.conversations.delete(rows)
        if self.counters.articles[rows].any():
            self._recount_groups()
        return rows

    def encode(self, events: pl.DataFrame, slates: pl.DataFrame) -> LogBatch:
        """Convert log rows to arrays of dense ids. `candidates` of `slates` is a list column."""
        events, slates = _ordered(events, slates)
        behaviour = events.filter(pl.col("article").is_not_null())
        is_shown = behaviour["kind"] == EventKind.IMPRESSION.value
        acted = behaviour["kind"].is_in(list(CODE))
        single = behaviour.filter(is_shown).with_columns(_NO_PLACE).select(_SHOWN_COLUMNS)
        shown = pl.concat([_exploded(slates), single])
        batch = LogBatch(
            self._behaviours(behaviour.filter(acted)),
            self._shown(shown.sort("order", maintain_order=True)),
            self._followed(events.filter(pl.col("article").is_null() & pl.col("kind").is_in(list(FOLLOW_BEGINS)))),
        )
        self._reserve()
        return batch

    def encode_few(self, events: Sequence[Event], slates: Sequence[Slate]) -> LogBatch:
        """Convert a few rows, given as values in any order, like `encode`."""
        batch = row_batches.batch_rows(self.readers, self.articles, self.catalog.authors, events, slates)
        self._reserve()
        return batch

    def apply(self, batch: LogBatch) -> None:
        """Fold `batch`, whose rows are in the fold's order and after all folded rows.

        Raises:
            OrderError: a row is older than the newest folded row; fold again from an earlier snapshot.
        """
        span = batch.span
        if span is None:
            return
        first, last = span
        if first < self.known_at:
            raise OrderError(f"a row known at {first} is older than the watermark {self.known_at}: refold the log")
        self._count_shown(batch.shown)
        self._count_behaviours(batch.behaviours, self._fold_rows(batch))
        self.follows.apply(batch.follows)
        self.known_at = last

    def history(self, reader: str | None, most: int = 50) -> History:
        """Return the reader's last reads; none for an unknown reader."""
        return self.histories.of(self.readers.get(reader), most)

    def available_since(self, rows: NDArray[np.integer] | slice) -> NDArray[np.int64]:
        """Return the time at which articles [n] became available: published, else first shown, else `NEVER`.

        Unit: microseconds.
        """
        published = self.catalog.published[rows]
        return np.asarray(np.where(published != NEVER, published, self.first_shown[rows]))

    def _count_shown(self, shown: Shown) -> None:
        if not len(shown.known_at):
            return
        weights = np.ones((len(shown.known_at), 2))
        weights[:, 1] = examination_probability(shown.place)
        self._count(shown.article, np.full(weights.shape, (IMPRESSIONS, EXAMINED)), shown.known_at, weights)
        np.minimum.at(self.first_shown, shown.article, shown.known_at)

    def _fold_rows(self, batch: LogBatch) -> NDArray[np.float64]:
        """Fold exposures and behaviours one by one; each behaviour comes after the exposures before it.

        Return for each behaviour the seconds of the reading that it continues [e], or `BEGINS`.
        """
        shown, rows = batch.shown, batch.behaviours
        columns = [part.tolist() for part in (shown.reader, shown.article, shown.known_at, shown.place)]
        exposures = zip(shown.order.tolist(), *columns, strict=True)
        following = next(exposures, None)
        continued: list[float] = []
        record_exposure, record_behaviour = self.exposures.record, self.histories.record
        acted = (rows.order, rows.reader, rows.article, rows.kind, rows.at, rows.value)
        for order, reader, article, kind, at, value in zip(*(part.tolist() for part in acted), strict=True):
            while following is not None and following[0] < order:
                record_exposure(*following[1:])
                following = next(exposures, None)
            if kind == ATTRIBUTED_CLICK:
                self.elo.learn(self.exposures.attribute_click(reader, article))
            before = record_behaviour(reader, article, FLAG_OF[kind], at, value)
            continued.append(before)
            if kind == _READ:
                self.exposures.read(reader, article, value + max(before, 0.0))
        while following is not None:
            record_exposure(*following[1:])
            following = next(exposures, None)
        return np.asarray(continued, dtype=np.float64)

    def _count_behaviours(self, rows: Behaviours, continued: NDArray[np.float64]) -> None:
        if not len(rows.known_at):
            return
        # a weight of zero changes no cell, so one call works for all kinds
        weights = WEIGHTS_OF.take(rows.kind, axis=0)
        weights[:, 1] *= np.minimum(rows.value, _MOST_SECONDS)
        parts = np.flatnonzero(continued >= 0)
        if len(parts):
            before = continued[parts]
            total = np.minimum(before + rows.value[parts], _MOST_SECONDS)
            weights[parts, 0] = 0.0
            weights[parts, 1] = total - np.minimum(before, _MOST_SECONDS)
        self._count(rows.article, COUNTERS_OF.take(rows.kind, axis=0), rows.known_at, weights)

    def _count(
        self,
        article: NDArray[np.int64],
        counters: NDArray[np.int64],
        times: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        groups = np.zeros((len(article), 2), dtype=np.int64)
        groups[:, 1] = self.catalog.category.take(article)
        groups[:, 1] += FIRST_CATEGORY
        self.counters.add(article, groups, counters, times, weights)

    def _recount_groups(self) -> None:
        """Sum the group counters again from the articles, after an article changed its category."""
        category = self.catalog.category[: len(self.counters.articles)] + FIRST_CATEGORY
        self.counters.groups[NO_CATEGORY:] = 0
        np.add.at(self.counters.groups, category, self.counters.articles[: len(category)])

    def _reserve(self) -> None:
        articles, readers = len(self.articles), len(self.readers)
        if articles > len(self.first_shown):
            self.first_shown = grow(self.first_shown, articles, NEVER)
            self.catalog.reserve(len(self.first_shown))
            self.conversations.reserve(len(self.first_shown))
        self.counters.reserve(len(self.first_shown), len(self.catalog.categories) + FIRST_CATEGORY)
        self.histories.rings.reserve(readers)
        self.exposures.reserve(self.readers)
        self.elo.reserve(len(self.first_shown))

    def _behaviours(self, rows: pl.DataFrame) -> Behaviours:
        kinds = rows["kind"].to_list()
        codes = np.fromiter((CODE[kind] for kind in kinds), dtype=np.int64, count=rows.height)
        attributed = (codes == CODE[EventKind.CLICK]) & rows["request_id"].is_not_null().to_numpy()
        values = rows["value"].fill_null(0.0).to_numpy()
        return Behaviours(
            rows["known_at"].to_numpy(),
            rows["order"].to_numpy(),
            rows["at"].to_numpy(),
            self.readers.intern(rows["reader"].to_list()),
            self.articles.intern(rows["article"].to_list()),
            np.where(attributed, ATTRIBUTED_CLICK, codes),
            np.where(attributed, 1.0, values),
        )

    def _named(self, ids: pl.Series) -> NDArray[np.int64]:
        """Return dense ids [n] of the articles that a column names, UNKNOWN for null; new ids get one."""
        rows = np.full(ids.len(), UNKNOWN, dtype=np.int64)
        present = ids.is_not_null().to_numpy()
        rows[present] = self.articles.intern(ids.drop_nulls().to_list())
        return rows

    def _followed(self, rows: pl.DataFrame) -> Follows:
        rows = rows.filter(pl.col("subject").is_not_null()).sort("order")
        return Follows(
            rows["known_at"].to_numpy(),
            self.readers.intern(rows["reader"].to_list()),
            self.catalog.authors.intern(rows["subject"].to_list()),
            rows["kind"].replace_strict(FOLLOW_BEGINS, return_dtype=pl.Boolean).to_numpy(),
        )

    def _shown(self, rows: pl.DataFrame) -> Shown:
        return Shown(
            rows["known_at"].to_numpy(),
            rows["order"].to_numpy(),
            self.readers.intern(rows["reader"].to_list()),
            self.articles.intern(rows["article"].to_list()),
            rows["place"].to_numpy(),
        )


def _ordered(events: pl.DataFrame, slates: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add a column `order` to both: the rank of each row among all rows in the fold's order, (known_at, id)."""
    keys = pl.concat([part.select("known_at", "id") for part in (events, slates)])
    order = keys.select(pl.struct("known_at", "id").rank("ordinal").cast(pl.Int64).alias("order"))["order"]
    return events.with_columns(order[: events.height]), slates.with_columns(order[events.height :])


def _exploded(slates: pl.DataFrame) -> pl.DataFrame:
    place = pl.int_ranges(1, pl.col("candidates").list.len() + 1) * pl.col("ordered").cast(pl.Int64)
    rows = slates.with_columns(place.alias("place")).rename({"candidates": "article"}).select(_SHOWN_COLUMNS)
    return rows.explode("article", "place").drop_nulls("article")
