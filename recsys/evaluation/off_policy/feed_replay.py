"""Replay of logged feeds with another bundle: chances of its choices at every logged position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.cpu_threads import cpu_threads
from recsys.domain import FeedRequest, Rule
from recsys.editorial.rule_book import RuleBook
from recsys.encoder.protocols import ModelEncoder
from recsys.evaluation.off_policy.target_chances import PredictedClicks, SlateChances, slate_chances
from recsys.evaluation.platt import Platt
from recsys.evaluation.scored_slates import Floats
from recsys.feed.engine import FeedEngine
from recsys.feed.reader_lookups import stored_lookups
from recsys.feed.retrieval import feed_limits
from recsys.index.index_factory import make_index
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import FEED_RANKER, TrainedSystem
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.ranking.query import Candidates
from recsys.settings import Settings
from recsys.store import articles, rules
from recsys.store.database import Connection, Database


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedSlate:
    """One logged slate with its chances under the target policy, and its outcome.

    reader: id. propensities: of the log [k]. labels: graded [k]. seconds: of reading, NaN where unknown [k].
    """

    reader: str
    chances: SlateChances
    propensities: Floats
    labels: NDArray[np.int8]
    seconds: Floats


class TargetPolicy(Protocol):
    """Policy whose choices are compared with logged ones: an engine, its exploration, and predicted clicks."""

    @property
    def explore(self) -> float:
        """Share of positions that exploration fills."""

    def engine(self, database: Database, catalogue: pl.DataFrame, log: Replay) -> FeedEngine:
        """Return an engine on the state of `log`."""

    def clicks(self) -> PredictedClicks:
        """Return the model of clicks."""


@dataclass(frozen=True, slots=True)
class Target:
    """Target policy: the feed of a bundle, with the limits and the exploration of the settings."""

    system: TrainedSystem
    settings: Settings
    encoder: ModelEncoder

    @property
    def explore(self) -> float:
        """Share of positions that exploration fills."""
        return self.settings.explore

    def engine(self, database: Database, catalogue: pl.DataFrame, log: Replay) -> FeedEngine:
        """Return an engine of the bundle on the state of `log`; new articles are encoded.

        Raises:
            EncoderError: an article has no vector and the encoder cannot be loaded.
        """
        settings, space = self.settings, self.system.models.space
        vectors = ensure_vectors(database, article_encoder(self.encoder, self.system.calibration), catalogue)
        # an approximate index would also depend on articles that came later
        index = make_index("exact", vectors.shape[1], catalogue.height, settings.device)
        index.add(catalogue["id"].to_list(), space.apply(vectors))
        return FeedEngine(
            state=log.state,
            vectors=align_vectors(log.state, catalogue, vectors, space),
            models=self.system.models,
            index=index,
            lookups=stored_lookups(database),
            limits=feed_limits(settings),
        )

    def clicks(self) -> PredictedClicks:
        """Return the click chance of the bundle: its ranker of feeds, Platt-scaled."""
        ranker = self.system.click_ranker
        scaling = Platt(**self.system.manifest["score_calibration"][FEED_RANKER])

        def chance(_: FeedRequest, candidates: Candidates) -> Floats:
            assert candidates.features is not None
            return scaling(ranker.score(candidates.features)) if len(candidates) else np.zeros(0)

        return chance


def replayed_slates(
    database: Database, target: TargetPolicy, slates: pl.DataFrame, with_rules: bool = True
) -> Iterator[ReplayedSlate]:
    """Yield each of `slates`, sorted by time, with its chances under `target`.

    slates: columns of `LabelledRequests.frame`, and `propensities`. A request is made again from what the log has
    of it: the reader, the device, the page and the number of articles. with_rules: apply the rules of editors that
    stood at the time.
    """
    with database.read() as connection, cpu_threads(1), Replay(connection) as log:
        catalogue, _ = articles.upserted_since(connection, 0)
        engine, clicks = target.engine(database, catalogue, log), target.clicks()
        books = _RuleBooks(connection, catalogue)
        for row in slates.iter_rows(named=True):
            request = _request(row, target.explore)
            log.advance(request.as_of)
            ruled = replace(engine, rules=books.at(engine, request.as_of)) if with_rules else engine
            candidates, plan = ruled.plan(request)
            shown = engine.state.rows_of(row["candidates"]).tolist()
            yield ReplayedSlate(
                reader=request.reader,
                chances=slate_chances(plan, shown, candidates.rows, clicks(request, candidates)),
                propensities=np.asarray(row["propensities"], dtype=np.float64),
                labels=np.asarray(row["labels"], dtype=np.int8),
                seconds=np.asarray(row["seconds"], dtype=np.float64),
            )


def _request(row: dict[str, Any], explore: float) -> FeedRequest:
    return FeedRequest(
        request_id=str(row["id"]),
        as_of=int(row["at"]),
        reader=str(row["reader"]),
        device=row["device"],
        page=row["page"],
        limit=len(row["candidates"]),
        explore=explore,
        explain=False,
    )


class _RuleBooks:
    """Rules that stood at the time of each slate; their matches are kept while the same rules stand."""

    def __init__(self, connection: Connection, catalogue: pl.DataFrame) -> None:
        self._connection, self._catalogue = connection, catalogue
        self._standing: Sequence[Rule] = ()
        self._book = RuleBook()

    def at(self, engine: FeedEngine, as_of: int) -> RuleBook:
        standing = rules.known_at(self._connection, as_of)
        if list(standing) != list(self._standing):
            self._standing, self._book = standing, RuleBook.of(standing, engine.state, self._catalogue)
        return self._book
