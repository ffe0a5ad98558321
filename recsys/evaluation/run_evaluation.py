"""`attune evaluate`: replay a stretch of the log with a bundle, and report."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.encoder.protocols import ModelEncoder
from recsys.errors import DataError
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.platt import Platt
from recsys.evaluation.replay import ReplayScores, replay
from recsys.evaluation.report import comparisons, figures, slices
from recsys.evaluation.systems import FULL_SYSTEM, Scorer, rankers_of, systems
from recsys.feed.engine import FeedEngine
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import TrainedSystem
from recsys.projection.log_follower import Replay
from recsys.projection.vector_table import VectorTable, align_vectors, ensure_vectors
from recsys.store import articles
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.threads import threads

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Part of the log to evaluate on, microseconds: slates with start ≤ at < end."""

    start: int
    end: int


def choose_window(
    database: Database, system: TrainedSystem, start: int | None, end: int | None, in_sample: bool
) -> TimeWindow:
    """From the bundle's cut-off (in sample: its validation slice) to the end of the log, unless told otherwise.

    Raises:
        DataError: the log has no impressions, or `start` lies before the cut-off and `in_sample` is off.
    """
    with database.read() as connection:
        span = slate_span(connection)
    if span is None:
        raise DataError("the log has no impressions to evaluate on: run `attune ingest` first")
    first = system.validated_from if in_sample else system.trained_until
    chosen = TimeWindow(first if start is None else start, span[1] + 1 if end is None else end)
    if chosen.start < system.trained_until and not in_sample:
        raise DataError(
            "--from lies before the bundle's cut-off, so it was trained on that: say --in-sample if meant"
        )
    return chosen


def evaluate(
    database: Database,
    encoder: ModelEncoder,
    system: TrainedSystem,
    window: TimeWindow,
    progress: Progress,
    others: Mapping[str, Scorer] = MappingProxyType({}),
    rival: TrainedSystem | None = None,
) -> dict[str, Any]:
    """Every system of the results table on one stretch, as a JSON object.

    `data` says on what, `systems` has the figures by name, `comparisons` the full system against each, paired, on
    AUC, and `read_comparisons` on read-weighted nDCG@10; `slices` has the AUC of all on parts. `rival` is one more
    row, the full system of another bundle. `others` are rows by name beside the usual ones: a reference that only
    the caller knows, asked the same questions. New articles are embedded on the way, which `seconds` leave out.

    Raises:
        DataError: no slate lies in the stretch.
    """
    with database.read() as connection:
        everything, _ = articles.changed_since(connection, 0)
    reader = article_encoder(encoder, system.calibration)
    encoded = ensure_vectors(
        database, reader, everything, lambda done, total: progress("articles encoded", done, total)
    )
    own = systems(rankers_of(system))
    table = {**own, **others}
    began = time.monotonic()
    answers, vectors, clicks = replay_window(database, everything, encoded, system, table, window, progress)
    if rival is not None:
        said = _rival(database, encoder, everything, rival, window, progress)
        answers = replace(answers, scores={**answers.scores, f"bundle {rival.version}": said})
    calibration = {name: Platt(**values) for name, values in system.manifest["calibration"].items()}
    results = {
        "systems": figures(answers, calibration, vectors.matrix, clicks),
        "comparisons": comparisons(answers),
        "read_comparisons": comparisons(answers, "read_weighted_ndcg@10"),
        "slices": slices(answers),
    }
    data = {
        "from": iso(window.start),
        "to": iso(window.end),
        "impressions": len(answers),
        "readers": int(answers.readers.max()) + 1,
    }
    seconds = round(time.monotonic() - began, 2)
    return {"data": data, "bundle": system.version, "seconds": seconds, **results}


def _rival(
    database: Database,
    encoder: ModelEncoder,
    everything: pl.DataFrame,
    rival: TrainedSystem,
    window: TimeWindow,
    progress: Progress,
) -> NDArray[np.float64]:
    """What the full system of another bundle says of the same candidates [N]."""
    encoded = ensure_vectors(database, article_encoder(encoder, rival.calibration), everything)
    table = systems({FULL_SYSTEM: rival.models.listwise})
    answers, _, _ = replay_window(database, everything, encoded, rival, table, window, progress)
    return answers.scores[FULL_SYSTEM]


def replay_window(
    database: Database,
    everything: pl.DataFrame,
    encoded: NDArray[np.float32],
    system: TrainedSystem,
    table: Mapping[str, Scorer],
    window: TimeWindow,
    progress: Progress,
) -> tuple[ReplayScores, VectorTable, NDArray[np.float64]]:
    """What every system of `table` said, the article vectors, and the clicks of each article before the stretch.

    `everything`: the articles (n rows); `encoded`: their vectors [n, d]; `system` brings the interest model.

    Raises:
        DataError: no slate lies in the stretch.
    """
    with database.read() as connection, threads(1):
        known = window.end + DAY  # what came of the last slates
        labelled_requests = load_labelled_requests(connection, window.start, window.end, everything, known)
        if labelled_requests.is_empty():
            raise DataError("no impression lies between --from and --to")
        with Replay(connection) as log:
            vectors = align_vectors(log.state, everything, encoded)
            engine = FeedEngine(state=log.state, vectors=vectors, models=system.models)
            clicks = log.clicks_before(window.start)
            answers = replay(
                engine,
                log,
                labelled_requests,
                table,
                lambda done: progress("impressions replayed", done, len(labelled_requests)),
            )
    return answers, vectors, clicks


def iso(at: int) -> str:
    """Microseconds → ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat()
