"""Replay of a part of the log through the engine, with the scores of every system."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.labelled_slates import LabelledRequest, replay_requests
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.evaluation.systems import FULL_SYSTEM, PreparedQuery, Scorer, fill_unknown
from recsys.feed.engine import FeedEngine
from recsys.projection.log_follower import Replay
from recsys.ranking.tie_break import best_first, id_hash

Progress = Callable[[int], None]

_BATCH = 100
"""Slates per call of a scorer: trees need as long to start as to score a few slates."""


@dataclass(frozen=True, slots=True)
class ReplayScores:
    """Scores of every system for S slates with N candidates in all.

    scores: system → [N]; labels: [N]; offsets: [S + 1]; rows: dense article ids [N]; available: when the candidate
    became available, microseconds [N]; at: [S]; readers: dense ids [S]; history: number of reads known then [S];
    mix: the reader's reads per category [S, T]; topics: category of candidates [N]; tie_order: place of each
    candidate in its slate if all scores were equal, as in serving [N].
    """

    scores: Mapping[str, NDArray[np.float64]]
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    topics: NDArray[np.int64]
    at: NDArray[np.int64]
    readers: NDArray[np.int64]
    history: NDArray[np.int64]
    mix: NDArray[np.float64]
    tie_order: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.at)

    def slates(self, system: str) -> ScoredSlates:
        """Return the scores of one system in the form that metrics need.

        Ties of the full system are broken as in serving, those of all others at random.
        """
        tie_order = self.tie_order if system == FULL_SYSTEM else None
        return ScoredSlates(self.scores[system], self.labels, self.offsets, tie_order=tie_order)

    def as_served(self, system: str) -> ScoredSlates:
        """Return the order in which `system` would show the candidates, as scores without ties."""
        scored = ScoredSlates(self.scores[system], self.labels, self.offsets, tie_order=self.tie_order)
        return replace(scored, scores=-scored.ranks.astype(np.float64))


def replay(
    engine: FeedEngine,
    log: Replay,
    labelled_requests: pl.DataFrame,
    systems: Mapping[str, Scorer],
    progress: Progress | None = None,
) -> ReplayScores:
    """Score every request at its time with every system, without logged positions, as for a feed."""
    readers = _dense(labelled_requests["reader"])
    topics = len(engine.state.catalog.categories)
    queries = _prepared_queries(engine, log, labelled_requests, topics)
    records: list[_Record] = []
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in systems}
    while batch := list(islice(queries, _BATCH)):
        records += (record for record, _ in batch)
        prepared_queries = [each for _, each in batch]
        for name, scorer in systems.items():
            scores[name].append(fill_unknown(scorer(prepared_queries)))
        if progress:
            progress(len(records))
    return _stack(records, scores, readers, topics)


def _prepared_queries(
    engine: FeedEngine, log: Replay, labelled_requests: pl.DataFrame, topics: int
) -> Iterator[tuple["_Record", PreparedQuery]]:
    """Yield every request at its time: the values to record, and the input of the systems."""
    for labelled_request, query, candidates in replay_requests(engine, log, labelled_requests):
        vectors = engine.vectors.of(candidates.rows).astype(np.float64)
        prepared = PreparedQuery(labelled_request.request, query, candidates, vectors)
        yield _record(engine, labelled_request, prepared, topics), prepared


@dataclass(frozen=True, slots=True)
class _Record:
    labels: NDArray[np.int8]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    topics: NDArray[np.int64]
    at: int
    history: int
    mix: NDArray[np.float64]
    tie_order: NDArray[np.intp]


def _record(
    engine: FeedEngine, labelled_request: LabelledRequest, prepared: PreparedQuery, topics: int
) -> _Record:
    rows, category = prepared.candidates.rows, engine.state.catalog.category
    read_categories = category[prepared.query.history.article]
    return _Record(
        labels=labelled_request.labels,
        rows=rows,
        available=engine.state.available_since(rows),
        topics=category[rows].astype(np.int64),
        at=labelled_request.request.as_of,
        history=len(prepared.query.history),
        mix=np.bincount(read_categories[read_categories >= 0], minlength=topics).astype(np.float64),
        tie_order=_tie_order(prepared),
    )


def _tie_order(prepared: PreparedQuery) -> NDArray[np.intp]:
    features = prepared.candidates.features
    assert features is not None
    order = best_first(np.zeros(len(features)), features, id_hash(prepared.request.candidates))
    return np.argsort(order)


def _stack(
    records: list[_Record],
    scores: Mapping[str, list[NDArray[np.float64]]],
    readers: NDArray[np.int64],
    topics: int,
) -> ReplayScores:
    sizes = [len(record.labels) for record in records]

    def flat(parts: list[NDArray[np.generic]], kind: type) -> NDArray[np.generic]:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)

    return ReplayScores(
        scores={name: flat(parts, np.float64) for name, parts in scores.items()},  # type: ignore[misc, arg-type]
        labels=flat([r.labels for r in records], np.int8),  # type: ignore[arg-type]
        offsets=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        rows=flat([r.rows for r in records], np.int64),  # type: ignore[arg-type]
        available=flat([r.available for r in records], np.int64),  # type: ignore[arg-type]
        topics=flat([r.topics for r in records], np.int64),  # type: ignore[arg-type]
        at=np.asarray([r.at for r in records], dtype=np.int64),
        readers=readers,
        history=np.asarray([r.history for r in records], dtype=np.int64),
        mix=np.stack([r.mix for r in records]) if records else np.zeros((0, topics)),
        tie_order=flat([r.tie_order for r in records], np.int64),  # type: ignore[arg-type]
    )


def _dense(readers: pl.Series) -> NDArray[np.int64]:
    return np.unique(readers.to_numpy(), return_inverse=True)[1].astype(np.int64)
