"""Replay of the slates that a training learns from and validates on, with their features."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.cpu_threads import cpu_threads
from recsys.evaluation.behaviour.behaviour_checks import group_names
from recsys.evaluation.behaviour.perturbed_reads import PerturbedOrders, PerturbedReads
from recsys.evaluation.replay import ReplayedSlates, SlateRecorder
from recsys.evaluation.systems import systems
from recsys.feed.engine import FeedEngine
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers, segments
from recsys.projection.vector_table import VectorTable, align_vectors
from recsys.store.database import Database
from recsys.training.dataset import Corpus
from recsys.training.ranker_training import PastSlates, past_slates
from recsys.training.training_run import Progress
from recsys.user_model.matcher import Matcher


@dataclass(frozen=True, slots=True)
class ReplayedPast:
    """Slates to train on, and those of the validation slice.

    clicks: of each article before the validation slice; vectors: of the articles; perturbed: slates of the
    validation slice on changed histories; names: of groups of articles.
    """

    slates: PastSlates
    validation: ReplayedSlates
    clicks: NDArray[np.float64]
    vectors: NDArray[np.float32]
    perturbed: PerturbedOrders
    names: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class PastPart:
    """Replay of a segment; the slates to validate on have scores and features without logged positions."""

    slates: PastSlates
    validation: ReplayedSlates
    perturbed: PerturbedOrders


@dataclass(frozen=True, slots=True, eq=False)
class PastWork:
    """Work on a segment of the past. vectors: by the dense ids of the replay.

    early: number of slates before the validation slice; validated: number of slates in it.
    """

    vectors: VectorTable
    matcher: Matcher
    early: int
    validated: int

    def __call__(
        self, log: Replay, requests: pl.DataFrame, first: int, progress: Callable[[int], None]
    ) -> PastPart:
        """Implement `SegmentWork`; no segment has slates on both sides of the validation slice's start."""
        engine = FeedEngine(state=log.state, vectors=self.vectors, models=Models.untrained(self.matcher))
        perturbed = PerturbedReads(engine, self.validated, first - self.early)
        recorder = SlateRecorder(engine, systems({}), [perturbed])
        validation = requests if first >= self.early else requests.clear()
        watching = recorder if validation.height else None
        slates = past_slates(engine, log, requests, lambda _, done, __: progress(done), watching)
        return PastPart(slates, recorder.slates(validation["reader"]), perturbed.orders)


def replay_past(
    database: Database, corpus: Corpus, matcher: Matcher, workers: ReplayWorkers, progress: Progress
) -> ReplayedPast:
    """Replay all slates once: features of a slate serve its training and its validation."""
    since, validation = corpus.when.validate_from, corpus.validation
    early = corpus.labelled_requests.filter(pl.col("at") < since)
    count = early.height + validation.height
    with database.read() as connection, Replay(connection, corpus.when.until) as log:
        vectors = align_vectors(log.state, corpus.articles, corpus.vectors, corpus.space)
        work = PastWork(vectors, matcher, early.height, validation.height)

        def report(done: int) -> None:
            progress("features of past slates", done, count)

        with cpu_threads(1), segments(log, work, report, workers, count) as replayed:
            replayed.replay(early)
            clicks = log.clicks_before(since)
            replayed.replay(validation)
            parts = replayed.results()
        names = group_names(log.state)
    return ReplayedPast(
        slates=PastSlates.joined([part.slates for part in parts]),
        validation=ReplayedSlates.joined([part.validation for part in parts], validation["reader"]),
        clicks=clicks,
        vectors=vectors.matrix,
        perturbed=reduce(PerturbedOrders.then, (part.perturbed for part in parts)),
        names=names,
    )
