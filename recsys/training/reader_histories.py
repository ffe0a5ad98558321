"""Histories of the readers of past slates, each as it was when the slate was shown: data of the user model."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.cpu_threads import cpu_threads
from recsys.domain import ReaderRequest
from recsys.feed.interest_scores import matches_of
from recsys.feed.query_builder import build_query
from recsys.feed.user_history import LENGTH, outcomes
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers, segments
from recsys.projection.vector_table import VectorTable
from recsys.training.training_run import Progress
from recsys.user_model.matcher import EVIDENCE
from recsys.user_model.preference_data import PreferenceData

_STEP = 500
"""Slates between two reports of progress."""


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """Histories of S slates with N candidates in all; see `PreferenceData`."""

    reads: NDArray[np.int32]
    seconds: NDArray[np.float32]
    age: NDArray[np.float32]
    quantile: NDArray[np.float32]
    noise: NDArray[np.float32]
    important: NDArray[np.int8]
    evidence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class HistoryWork:
    """Work on a segment of the past. vectors: by the dense ids of the replay.

    The requests have a column `rows`: dense ids of their candidates.
    """

    vectors: VectorTable

    def __call__(
        self,
        log: Replay,
        requests: pl.DataFrame,
        first: int,  # noqa: ARG002
        progress: Callable[[int], None],
    ) -> HistoryPart:
        """Implement `SegmentWork`."""
        count, vectors = requests.height, self.vectors
        reads = np.full((count, LENGTH), -1, dtype=np.int32)
        seconds, age = (np.zeros((count, LENGTH), dtype=np.float32) for _ in range(2))
        quantile, noise = np.full((count, LENGTH), np.nan, dtype=np.float32), np.zeros(count, dtype=np.float32)
        important = np.full((count, LENGTH), -1, dtype=np.int8)
        evidence = [np.zeros((0, len(EVIDENCE)), dtype=np.float32)]
        for slate, (at, reader, rows) in enumerate(requests.select("at", "reader", "rows").iter_rows()):
            state = log.advance(at)
            query = build_query(state, vectors, ReaderRequest(request_id="", as_of=at, reader=reader))
            history, known, positions = query.history, query.reads, query.read_places
            columns = slice(0, len(known))
            reads[slate, columns] = history.article[positions]
            seconds[slate, columns], age[slate, columns] = known.seconds, known.age
            quantile[slate, columns], noise[slate] = known.quantile, known.noise
            important[slate, columns] = outcomes(history, known, positions)
            evidence.append(matches_of(state, query, vectors, np.asarray(rows, dtype=np.int64)).evidence)
            if (slate + 1) % _STEP == 0 or slate + 1 == count:
                progress(slate + 1)
        return HistoryPart(reads, seconds, age, quantile, noise, important, np.concatenate(evidence))


def collect(
    log: Replay,
    vectors: VectorTable,
    labelled_requests: pl.DataFrame,
    progress: Progress,
    workers: ReplayWorkers = ReplayWorkers(),  # noqa: B008 - frozen
) -> PreferenceData:
    """Fold the log, and record the history of every slate's reader at that time."""
    count = labelled_requests.height
    sizes = labelled_requests["candidates"].list.len().to_numpy()
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    candidates = log.state.rows_of(labelled_requests["candidates"].explode().to_list())
    by_slate = [candidates[start:end] for start, end in pairwise(offsets.tolist())]
    requests = labelled_requests.select("at", "reader", rows=pl.Series(by_slate, dtype=pl.List(pl.Int64)))

    def report(done: int) -> None:
        progress("histories of past slates", done, count)

    with cpu_threads(1), segments(log, HistoryWork(vectors), report, workers, count) as replayed:
        replayed.replay(requests)
        log.advance(max(labelled_requests["at"].to_list(), default=0))  # all readers are known then
        parts = replayed.results()
    vectors.reserve(len(log.state.articles))  # articles without a description get a zero vector
    joined = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(HistoryPart)
    }
    return PreferenceData(
        at=labelled_requests["at"].to_numpy(),
        reader=log.state.readers.lookup(labelled_requests["reader"].to_list()),
        candidates=candidates.astype(np.int32),
        labels=labelled_requests["labels"].explode().to_numpy().astype(np.int8),
        offsets=offsets,
        **joined,
    )
