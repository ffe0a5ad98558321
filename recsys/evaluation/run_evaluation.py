"""`attune evaluate`: replays a part of the log with a bundle, and reports."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.cpu_threads import cpu_threads
from recsys.domain import DAY, iso
from recsys.encoder.protocols import ModelEncoder
from recsys.errors import DataError
from recsys.evaluation.behaviour.behaviour_check import ENTRY as BEHAVIOUR
from recsys.evaluation.behaviour.behaviour_check import BehaviourLimits
from recsys.evaluation.behaviour.behaviour_checks import behaviour, group_names
from recsys.evaluation.behaviour.damaged_headlines import (
    DamagedArticles,
    DamagedHeadlines,
    DamagedOrders,
    damaged_articles,
)
from recsys.evaluation.behaviour.perturbed_reads import PerturbedOrders, PerturbedReads
from recsys.evaluation.data_text import data_text
from recsys.evaluation.labelled_slates import load_requests, load_sampled_requests
from recsys.evaluation.platt import Platt
from recsys.evaluation.replay import ReplayScores, joined, replay
from recsys.evaluation.report import comparisons, figures, slices
from recsys.evaluation.systems import FULL_SYSTEM, Scorer, rankers_of, systems
from recsys.evaluation.validation_slice import IN_SAMPLE, LATER
from recsys.feed.engine import FeedEngine
from recsys.labels.sampled_slates import Sampling
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import TrainedSystem
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.replay_segments import ReplayWorkers, segments
from recsys.projection.vector_table import VectorTable, align_vectors, ensure_vectors
from recsys.ranking.ranker import Ranker
from recsys.store import articles
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.store.log_contents import click_span, log_contents

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Part of the log to evaluate on, microseconds: slates with start ≤ at < end."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class EncodedArticles:
    """Articles (n rows) and their vectors [n, d]; `damaged`: some of them with damaged headlines."""

    articles: pl.DataFrame
    vectors: NDArray[np.float32]
    damaged: DamagedArticles = field(default_factory=DamagedArticles.none)


def choose_window(
    database: Database, system: TrainedSystem, start: int | None, end: int | None, in_sample: bool
) -> TimeWindow:
    """Return the window to evaluate on: by default from the bundle's cut-off to the end of the log.

    In sample, it starts with the bundle's validation slice.

    Raises:
        DataError: the log has no impressions, or `start` is before the cut-off and `in_sample` is False.
    """
    with database.read() as connection:
        span = slate_span(connection) or click_span(connection)
        contents = log_contents(connection)
    if span is None:
        raise DataError(
            f"the log has {data_text(contents)}, but no impressions to evaluate on: run `attune ingest` first"
        )
    first = system.validated_from if in_sample else system.trained_until
    window = TimeWindow(first if start is None else start, span[1] + 1 if end is None else end)
    if start is not None and end is not None and start >= end:
        raise DataError(f"--from {iso(start)} is not before --to {iso(end)}: choose a later --to")
    if window.start < system.trained_until and not in_sample:
        raise DataError(
            "--from is before the bundle's cut-off, so the bundle was trained on it: use --in-sample to allow this"
        )
    return window


@dataclass(frozen=True, slots=True)
class ComparedSystems:
    """Rows of a results table: `table` has their scorers by name; `bundle` provides the interest model."""

    bundle: TrainedSystem
    table: Mapping[str, Scorer]


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Options of an evaluation: more rows of its table, limits of behaviour, workers of its replay.

    scorers: rows to add, by name (an oracle). other_bundle: bundle whose full system is a row, too.
    """

    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    other_bundle: TrainedSystem | None = None
    limits: BehaviourLimits = BehaviourLimits()  # noqa: RUF009 - frozen
    workers: ReplayWorkers = ReplayWorkers()  # noqa: RUF009 - frozen


def evaluate(
    database: Database,
    encoder: ModelEncoder,
    system: TrainedSystem,
    window: TimeWindow,
    progress: Progress,
    options: EvaluationOptions = EvaluationOptions(),
) -> dict[str, Any]:
    """Evaluate every system of the results table on one window, as a JSON object.

    `data` describes the data; `systems` has the metrics by name; `comparisons` compares the full system with each
    other one, paired, on AUC, and `read_comparisons` on read-weighted nDCG@10; `slices` has the AUC of all on
    parts; `behaviour` has the checks of `evaluation.behaviour`. New articles are encoded first, which `seconds`
    does not include.

    Raises:
        DataError: there is no slate in the window.
    """
    with database.read() as connection:
        everything, _ = articles.upserted_since(connection, 0)
    article_reader = article_encoder(encoder, system.calibration)
    encoded = EncodedArticles(
        everything,
        ensure_vectors(database, article_reader, everything, partial(progress, "articles encoded")),
        damaged_articles(article_reader, everything, window.start - DAY),
    )
    compared = ComparedSystems(system, {**systems(rankers_of(system)), **options.scorers})
    start_time = time.monotonic()
    replayed = replay_window(database, encoded, compared, window, progress, options.workers)
    del encoded  # as large as the vectors of the other bundle, which come next
    other_scores = _scores_of_other_bundle(database, encoder, everything, options, window, progress)
    scores = replace(replayed.scores, scores={**replayed.scores.scores, **other_scores})
    calibration = {name: Platt(**values) for name, values in system.manifest["score_calibration"].items()}
    results = {
        "systems": figures(scores, calibration, replayed.vectors.matrix, replayed.clicks),
        "comparisons": comparisons(scores),
        "read_comparisons": comparisons(scores, "read_weighted_ndcg@10"),
        "slices": slices(scores),
        BEHAVIOUR: replayed.behaviour(system.models.listwise, options.limits),
    }
    data = _data(replayed, window, system)
    seconds = round(time.monotonic() - start_time, 2)
    return {"data": data, "bundle": system.version, "seconds": seconds, **results}


@dataclass(frozen=True, slots=True, eq=False)
class WindowReplay:
    """Replay of a window.

    scores: of every system; vectors: of articles; clicks: earlier clicks per article, by dense id [rows]; unseen:
    number of slates that were left out; sampled: True if nothing was shown, so that clicks got sampled negatives;
    perturbed: the same slates on changed histories; damaged: with damaged headlines; names: of groups of articles.
    """

    scores: ReplayScores
    vectors: VectorTable
    clicks: NDArray[np.float64]
    unseen: int
    sampled: bool
    perturbed: PerturbedOrders
    damaged: DamagedOrders
    names: Mapping[str, Sequence[str]]

    def behaviour(self, ranker: Ranker, limits: BehaviourLimits) -> list[dict[str, Any]]:
        """Return the checks of behaviour; ranker: the full system."""
        return behaviour(self.scores, self.perturbed, ranker, self.names, limits, self.damaged)


@dataclass(frozen=True, slots=True, eq=False)
class WindowPart:
    """Replay of a segment of a window."""

    scores: ReplayScores
    perturbed: PerturbedOrders
    damaged: DamagedOrders


@dataclass(frozen=True, slots=True, eq=False)
class WindowWork:
    """Work on a segment of a window with `slates` slates in all. vectors: by the dense ids of the replay."""

    vectors: VectorTable
    models: Models
    table: Mapping[str, Scorer]
    damaged: DamagedArticles
    slates: int

    def __call__(
        self, log: Replay, requests: pl.DataFrame, first: int, progress: Callable[[int], None]
    ) -> WindowPart:
        """Implement `SegmentWork`."""
        engine = FeedEngine(state=log.state, vectors=self.vectors, models=self.models)
        perturbed, damaged = PerturbedReads(engine, self.slates, first), DamagedHeadlines(engine, self.damaged)
        scores = replay(engine, log, requests, self.table, progress, [perturbed, damaged])
        return WindowPart(scores, perturbed.orders, damaged.orders)


def replay_window(
    database: Database,
    encoded: EncodedArticles,
    compared: ComparedSystems,
    window: TimeWindow,
    progress: Progress,
    workers: ReplayWorkers = ReplayWorkers(),  # noqa: B008 - frozen
) -> WindowReplay:
    """Score the slates of `window` with every one of the `compared` systems.

    Raises:
        DataError: there is no slate in the window.
    """
    bundle = compared.bundle
    with database.read() as connection, cpu_threads(1):
        known_until = window.end + DAY  # include the outcomes of the last slates
        requests = load_requests(connection, window.start, window.end, encoded.articles, known_until)
        if requests.frame.is_empty():
            requests = load_sampled_requests(
                connection, window.start, window.end, encoded.articles, known_until, _sampling(bundle)
            )
        slates = requests.frame
        if slates.is_empty():
            span = slate_span(connection)
            shown = f"; the log has impressions from {iso(span[0])} to {iso(span[1])}" if span else ""
            raise DataError(f"there is no impression between --from and --to that somebody saw{shown}")
        with Replay(connection) as log:
            vectors = align_vectors(log.state, encoded.articles, encoded.vectors, bundle.models.space)
            clicks = log.clicks_before(window.start)
            work = WindowWork(vectors, bundle.models, compared.table, encoded.damaged, slates.height)
            with segments(
                log,
                work,
                lambda done: progress("impressions replayed", done, slates.height),
                workers,
                slates.height,
            ) as replayed:
                replayed.replay(slates)
                parts = replayed.results()
            names = group_names(log.state)
    return WindowReplay(
        scores=joined([part.scores for part in parts], slates["reader"]),
        vectors=vectors,
        clicks=clicks,
        unseen=requests.unseen,
        sampled=requests.sampled,
        perturbed=reduce(PerturbedOrders.then, (part.perturbed for part in parts)),
        damaged=reduce(DamagedOrders.then, (part.damaged for part in parts)),
        names=names,
    )


def _scores_of_other_bundle(
    database: Database,
    encoder: ModelEncoder,
    everything: pl.DataFrame,
    options: EvaluationOptions,
    window: TimeWindow,
    progress: Progress,
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of the full system of `options.other_bundle`, by the name of its row; none without one."""
    other = options.other_bundle
    if other is None:
        return {}
    vectors = ensure_vectors(database, article_encoder(encoder, other.calibration), everything)
    compared = ComparedSystems(other, systems({FULL_SYSTEM: other.models.listwise}))
    encoded = EncodedArticles(everything, vectors)
    replayed = replay_window(database, encoded, compared, window, progress, options.workers)
    return {f"bundle {other.version}": replayed.scores.scores[FULL_SYSTEM]}


def _data(replayed: WindowReplay, window: TimeWindow, system: TrainedSystem) -> dict[str, Any]:
    """Return the description of the evaluated slates."""
    scores = replayed.scores
    return {
        "from": iso(window.start),
        "to": iso(window.end),
        "impressions": len(scores),
        "readers": int(scores.readers.max()) + 1,
        "unseen": replayed.unseen,
        "sampled_negatives": replayed.sampled,
        "slice": LATER if window.start >= system.trained_until else IN_SAMPLE,
    }


def _sampling(system: TrainedSystem) -> Sampling:
    return Sampling(**(system.manifest["data"].get("sampled_negatives") or {}))
