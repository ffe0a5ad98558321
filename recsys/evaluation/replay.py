"""Replay a stretch of the log through the engine and keep what every system said."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.labelled_slates import LabelledRequest, replay_requests
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.evaluation.systems import PreparedQuery, Scorer, known
from recsys.feed.engine import FeedEngine
from recsys.projection.log_follower import Replay

Progress = Callable[[int], None]

_TOGETHER = 100
"""Slates that systems score at once: for each call trees take as long to begin as for a few slates."""


@dataclass(frozen=True, slots=True)
class ReplayScores:
    """S slates with N candidates in all, as every system scored them.

    scores: system → [N]; labels: [N]; offsets: [S + 1]; rows: dense article ids [N]; available: when the
    candidate became available, microseconds [N]; at: [S]; readers: dense ids, negative if never met [S]; history:
    readings known then [S]; mix: the reader's readings per category [S, T]; topics: category of candidates [N].
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

    def __len__(self) -> int:
        return len(self.at)

    def slates(self, system: str) -> ScoredSlates:
        """What one system said, as metrics take it."""
        return ScoredSlates(self.scores[system], self.labels, self.offsets)


def replay(
    engine: FeedEngine,
    log: Replay,
    labelled_requests: pl.DataFrame,
    systems: Mapping[str, Scorer],
    progress: Progress | None = None,
) -> ReplayScores:
    """Put every question to every system at its time, as a feed would: without the places of the logged slate."""
    readers = _dense(labelled_requests["reader"])
    topics = len(engine.state.catalog.categories)
    put = _put(engine, log, labelled_requests, topics)
    records: list[_Record] = []
    said: dict[str, list[NDArray[np.float64]]] = {name: [] for name in systems}
    while together := list(islice(put, _TOGETHER)):
        records += (record for record, _ in together)
        asked = [each for _, each in together]
        for name, scorer in systems.items():
            said[name].append(known(scorer(asked)))
        if progress:
            progress(len(records))
    return _stack(records, said, readers, topics)


def _put(
    engine: FeedEngine, log: Replay, labelled_requests: pl.DataFrame, topics: int
) -> Iterator[tuple["_Record", PreparedQuery]]:
    """Every question at its time: what is to be known of it later, and what the systems see."""
    for question, query, candidates in replay_requests(engine, log, labelled_requests):
        vectors = engine.vectors.of(candidates.rows).astype(np.float64)
        prepared = PreparedQuery(question.request, query, candidates, vectors)
        yield _record(engine, question, prepared, topics), prepared


@dataclass(frozen=True, slots=True)
class _Record:
    labels: NDArray[np.int8]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    topics: NDArray[np.int64]
    at: int
    history: int
    mix: NDArray[np.float64]


def _record(engine: FeedEngine, question: LabelledRequest, prepared: PreparedQuery, topics: int) -> _Record:
    rows, category = prepared.candidates.rows, engine.state.catalog.category
    read = category[prepared.query.history.article]
    return _Record(
        labels=question.labels,
        rows=rows,
        available=engine.state.available_since(rows),
        topics=category[rows].astype(np.int64),
        at=prepared.query.as_of,
        history=len(prepared.query.history),
        mix=np.bincount(read[read >= 0], minlength=topics).astype(np.float64),
    )


def _stack(
    records: list[_Record],
    said: Mapping[str, list[NDArray[np.float64]]],
    readers: NDArray[np.int64],
    topics: int,
) -> ReplayScores:
    sizes = [len(record.labels) for record in records]

    def flat(parts: list[NDArray[np.generic]], kind: type) -> NDArray[np.generic]:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)

    return ReplayScores(
        scores={name: flat(parts, np.float64) for name, parts in said.items()},  # type: ignore[misc, arg-type]
        labels=flat([r.labels for r in records], np.int8),  # type: ignore[arg-type]
        offsets=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        rows=flat([r.rows for r in records], np.int64),  # type: ignore[arg-type]
        available=flat([r.available for r in records], np.int64),  # type: ignore[arg-type]
        topics=flat([r.topics for r in records], np.int64),  # type: ignore[arg-type]
        at=np.asarray([r.at for r in records], dtype=np.int64),
        readers=readers,
        history=np.asarray([r.history for r in records], dtype=np.int64),
        mix=np.stack([r.mix for r in records]) if records else np.zeros((0, topics)),
    )


def _dense(readers: pl.Series) -> NDArray[np.int64]:
    return np.unique(readers.to_numpy(), return_inverse=True)[1].astype(np.int64)
