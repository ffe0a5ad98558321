"""Replay a stretch of the log through the engine and keep what every system said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.questions import Question, ask
from recsys.evaluation.slates import ScoredSlates
from recsys.evaluation.systems import Asked, Scorer, known
from recsys.feed.engine import FeedEngine, Prepared
from recsys.feed.follow import Replay

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Answers:
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
    questions: pl.DataFrame,
    systems: Mapping[str, Scorer],
    progress: Progress | None = None,
) -> Answers:
    """Put every question to every system at its time, as a feed would: without the places of the logged slate."""
    topics = len(engine.state.catalog.categories)
    records = []
    for done, (question, prepared) in enumerate(ask(engine, log, questions), start=1):
        records.append(_record(engine, question, prepared, systems, topics))
        if progress and (done % 100 == 0 or done == len(questions)):
            progress(done)
    readers = _dense(questions["reader"])
    return _stack(records, list(systems), readers, topics)


@dataclass(frozen=True, slots=True)
class _Record:
    scores: list[NDArray[np.float64]]
    labels: NDArray[np.int8]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    topics: NDArray[np.int64]
    at: int
    history: int
    mix: NDArray[np.float64]


def _record(
    engine: FeedEngine, question: Question, prepared: Prepared, systems: Mapping[str, Scorer], topics: int
) -> _Record:
    context, category = prepared.context, engine.state.catalog.category
    vectors = np.zeros((len(context), engine.vectors.matrix.shape[1]))
    has = engine.vectors.has(context.rows)
    vectors[has] = engine.vectors.take(context.rows[has])
    asked = Asked(question.request, prepared, vectors)
    read = category[context.history.article]
    return _Record(
        scores=[known(scorer(asked)) for scorer in systems.values()],
        labels=question.labels,
        rows=context.rows,
        available=engine.state.available_since(context.rows),
        topics=category[context.rows].astype(np.int64),
        at=question.request.as_of,
        history=len(context.history),
        mix=np.bincount(read[read >= 0], minlength=topics).astype(np.float64),
    )


def _stack(records: list[_Record], names: list[str], readers: NDArray[np.int64], topics: int) -> Answers:
    sizes = [len(record.labels) for record in records]

    def flat(parts: list[NDArray[np.generic]], kind: type) -> NDArray[np.generic]:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)

    return Answers(
        scores={name: flat([r.scores[i] for r in records], np.float64) for i, name in enumerate(names)},  # type: ignore[misc]
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
