"""`attune attention evaluate`: do the detectors find damage, and does calibration help the ranking?

Articles are halved by their ids. Each half trains a calibrator that reads the other half, so no article is judged
by detectors that were trained on it.
"""

import hashlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.device import threads
from recsys.encoder.lazy import LazyEncoder
from recsys.errors import DataError
from recsys.evaluation.questions import load_questions
from recsys.feed.follow import Replay
from recsys.feed.vectors import VectorTable
from recsys.preference.data import PreferenceData
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store import replay
from recsys.store.database import Database
from recsys.training.attention.detection import detection
from recsys.training.attention.detectors import LEAST_ARTICLES, fit_calibrator
from recsys.training.attention.noisy_clicks import measure_noisy_clicks
from recsys.training.attention.robustness import robustness
from recsys.training.attention.trial import Trial, content_scoring, involved
from recsys.training.preference import collect
from recsys.training.progress import Progress

FOLDS = 2


def evaluate_attention(
    database: Database, settings: Settings, seeds: int, most_slates: int, progress: Progress
) -> dict[str, Any]:
    """Detection by kind of damage, and ranking with damaged titles, on the articles and slates of `database`.

    The last `most_slates` slates are ranked, by content match without any training.

    Raises:
        DataError: there are too few articles, or no slate with a history, a click and a non-click.
        EncoderError: the encoder cannot be loaded.
    """
    encoder = LazyEncoder(settings).loaded()
    with database.read() as connection:
        everything, _ = article_store.changed_since(connection, 0)
    if everything.height < LEAST_ARTICLES:
        raise DataError(f"{everything.height} articles train no detector: ingest {LEAST_ARTICLES} at least")
    rows, data = _slates(database, everything, most_slates, progress)
    folds, there = _folds(everything), involved(data, rows)
    with threads(settings.threads):
        calibrators = []
        for fold in range(FOLDS):
            progress("detectors", fold + 1, FOLDS)
            calibrators.append(fit_calibrator(encoder, _of(everything, folds != fold), settings.seed))
        progress("detection", 1, 1)
        found = detection(encoder, calibrators[0], _of(everything, folds == 0), settings.seed)
        part = _of(everything, there)
        trial = Trial(encoder, calibrators, part, rows[there], folds[there], data, content_scoring)
        hurt = robustness(trial, seeds, progress)
        history = measure_noisy_clicks(database, settings, LazyEncoder(settings), seeds, most_slates, progress)
    return {"detection": found, "robustness": hurt, "history": history}


def _slates(
    database: Database, everything: pl.DataFrame, most_slates: int, progress: Progress
) -> tuple[NDArray[np.int64], PreferenceData]:
    """Article rows of `everything` [n], and the newest slates with what their readers had read, in those rows."""
    with database.read() as connection:
        span = replay.slate_span(connection)
        if span is None:
            raise DataError("the log has no impressions to rank: run `attune ingest` on click logs first")
        questions = load_questions(connection, span[0], span[1] + 1, everything, span[1] + 1).tail(most_slates)
        with Replay(connection) as log:
            table = VectorTable()
            rows = log.state.articles.lookup(everything["id"].to_list()).astype(np.int64)
            table.put(rows, np.ones((len(rows), 1), dtype=np.float32))  # every described article has a vector
            data = collect(log, table, questions, progress)
    if not len(data.usable()):
        raise DataError("no impression has a history, a click and a non-click")
    return rows, data


def _of(articles: pl.DataFrame, chosen: NDArray[np.bool_]) -> pl.DataFrame:
    return articles.filter(pl.Series(chosen, dtype=pl.Boolean))


def _folds(articles: pl.DataFrame) -> NDArray[np.int64]:
    """A fold for each article [n], by its id alone."""
    digests = (hashlib.blake2b(id_.encode(), digest_size=1).digest()[0] for id_ in articles["id"].to_list())
    return np.fromiter(digests, dtype=np.int64, count=articles.height) % FOLDS
