"""Replay of a part of the log through the engine, with the scores of every system."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.labelled_slates import LabelledRequest, replay_requests
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.evaluation.systems import FULL_SYSTEM, PreparedQuery, Scorer, fill_unknown
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.query import Candidates, Query
from recsys.ranking.ranker import Ranker
from recsys.ranking.tie_break import best_first, id_hash

Progress = Callable[[int], None]

_BATCH = 100
"""Slates per call of a scorer: trees need as long to start as to score a few slates."""


@dataclass(frozen=True, slots=True)
class ReplayScores:
    """Scores of every system for S slates with N candidates in all.

    scores: system → [N]; labels: [N]; offsets: [S + 1]; rows: dense article ids [N]; available: when the candidate
    became available, microseconds [N]; at: [S]; readers: dense ids [S]; history: number of reads known then [S];
    mix: the reader's reads per category [S, C]; categories: category of candidates [N]; tie_order: place of each
    candidate in its slate if all scores were equal, as in serving [N]; sources: of candidates [N].
    """

    scores: Mapping[str, NDArray[np.float64]]
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    categories: NDArray[np.int64]
    at: NDArray[np.int64]
    readers: NDArray[np.int64]
    history: NDArray[np.int64]
    mix: NDArray[np.float64]
    tie_order: NDArray[np.int64] | None = None
    sources: NDArray[np.int64] | None = None

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


def joined(parts: Sequence[ReplayScores], readers: pl.Series) -> ReplayScores:
    """Return the slates of all `parts` (at least one) in their order; `readers` [S] of all requests."""

    def flat(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return ReplayScores(
        scores={name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        labels=flat("labels"),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        rows=flat("rows"),
        available=flat("available"),
        categories=flat("categories"),
        at=flat("at"),
        readers=_dense(readers),
        history=flat("history"),
        mix=flat("mix"),
        tie_order=flat("tie_order"),
        sources=flat("sources"),
    )


class Watcher(Protocol):
    """Watcher of a replay, which gets every slate while the state is that of its time."""

    def add(self, labelled_request: LabelledRequest, query: Query, candidates: Candidates) -> None:
        """Take one slate."""


def replay(
    engine: FeedEngine,
    log: Replay,
    labelled_requests: pl.DataFrame,
    systems: Mapping[str, Scorer],
    progress: Progress | None = None,
    watchers: Sequence[Watcher] = (),
) -> ReplayScores:
    """Score every request at its time with every system, without logged positions, as for a feed."""
    recorder = SlateRecorder(engine, systems, watchers)
    for done, prepared in enumerate(replay_requests(engine, log, labelled_requests), start=1):
        recorder.add(*prepared)
        if progress and (done % _BATCH == 0 or done == len(labelled_requests)):
            progress(done)
    return recorder.scores(labelled_requests["reader"])


@dataclass(frozen=True, slots=True)
class ReplayedSlates:
    """Replayed slates with the scores of some systems, and the features [N, f] that other rankers score later."""

    scored: ReplayScores
    features: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence["ReplayedSlates"], readers: pl.Series) -> "ReplayedSlates":
        """Return the slates of all `parts` (at least one) in their order; `readers` [S] of all requests."""
        scored = joined([part.scored for part in parts], readers)
        return cls(scored, np.concatenate([part.features for part in parts]))

    def with_rankers(self, rankers: Mapping[str, Ranker]) -> ReplayScores:
        """Return the scores of the systems so far, then those of `rankers` in the order given."""
        added = {name: fill_unknown(ranker.score(self.features)) for name, ranker in rankers.items()}
        return replace(self.scored, scores={**self.scored.scores, **added})


class SlateRecorder:
    """Recorder of prepared requests, one after the other, with their scores by `systems`.

    A request with logged positions is recorded as in serving, without them.
    """

    def __init__(
        self, engine: FeedEngine, systems: Mapping[str, Scorer], watchers: Sequence[Watcher] = ()
    ) -> None:
        self._engine = engine
        self._watchers = watchers
        self._systems = systems
        self._categories = len(engine.state.catalog.categories)
        self._records: list[_Record] = []
        self._waiting: list[PreparedQuery] = []
        self._scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in systems}
        self._features: list[NDArray[np.float64]] = []

    def add(self, labelled_request: LabelledRequest, query: Query, candidates: Candidates) -> None:
        """Record a request; the state of the engine must be that of its time."""
        vectors = self._engine.vectors.of(candidates.rows).astype(np.float64)
        prepared = PreparedQuery(labelled_request.request, query, _as_served(candidates), vectors)
        self._records.append(_record(self._engine, labelled_request, prepared, self._categories))
        self._waiting.append(prepared)
        for watcher in self._watchers:
            watcher.add(labelled_request, query, candidates)
        if len(self._waiting) == _BATCH:
            self._score()

    def scores(self, readers: pl.Series) -> ReplayScores:
        """Return the scores; `readers` [S] of all requests, in their order."""
        self._score()
        return _stack(self._records, self._scores, _dense(readers), self._categories)

    def slates(self, readers: pl.Series) -> ReplayedSlates:
        """Return the scores with the features; `readers` [S] of all requests, in their order."""
        scored = self.scores(readers)
        empty = np.zeros((0, len(ALL_FEATURES.names)))
        return ReplayedSlates(scored, np.concatenate([empty, *self._features]))

    def _score(self) -> None:
        if not self._waiting:
            return
        for name, scorer in self._systems.items():
            self._scores[name].append(fill_unknown(scorer(self._waiting)))
        self._features += [each.features for each in self._waiting]
        self._waiting = []


def _as_served(candidates: Candidates) -> Candidates:
    if candidates.positions is None:
        return candidates
    assert candidates.features is not None
    features = candidates.features.copy()
    features[:, ALL_FEATURES.names.index(POSITION)] = SERVING_POSITION
    return replace(candidates, positions=None, features=features)


@dataclass(frozen=True, slots=True)
class _Record:
    labels: NDArray[np.int8]
    rows: NDArray[np.int64]
    available: NDArray[np.int64]
    categories: NDArray[np.int64]
    sources: NDArray[np.int64]
    at: int
    history: int
    mix: NDArray[np.float64]
    tie_order: NDArray[np.intp]


def _record(
    engine: FeedEngine, labelled_request: LabelledRequest, prepared: PreparedQuery, categories: int
) -> _Record:
    rows, category = prepared.candidates.rows, engine.state.catalog.category
    read_categories = category[prepared.query.history.article]
    return _Record(
        labels=labelled_request.labels,
        rows=rows,
        available=engine.state.available_since(rows),
        categories=category[rows].astype(np.int64),
        sources=engine.state.catalog.source[rows].astype(np.int64),
        at=labelled_request.request.as_of,
        history=len(prepared.query.history),
        mix=np.bincount(read_categories[read_categories >= 0], minlength=categories).astype(np.float64),
        tie_order=_tie_order(prepared),
    )


def _tie_order(prepared: PreparedQuery) -> NDArray[np.intp]:
    features = prepared.features
    order = best_first(np.zeros(len(features)), features, id_hash(prepared.request.candidates))
    return np.argsort(order)


def _stack(
    records: list[_Record],
    scores: Mapping[str, list[NDArray[np.float64]]],
    readers: NDArray[np.int64],
    categories: int,
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
        categories=flat([r.categories for r in records], np.int64),  # type: ignore[arg-type]
        at=np.asarray([r.at for r in records], dtype=np.int64),
        readers=readers,
        history=np.asarray([r.history for r in records], dtype=np.int64),
        mix=np.stack([r.mix for r in records]) if records else np.zeros((0, categories)),
        tie_order=flat([r.tie_order for r in records], np.int64),  # type: ignore[arg-type]
        sources=flat([r.sources for r in records], np.int64),  # type: ignore[arg-type]
    )


def _dense(readers: pl.Series) -> NDArray[np.int64]:
    return np.unique(readers.to_numpy(), return_inverse=True)[1].astype(np.int64)
