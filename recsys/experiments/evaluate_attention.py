"""`attune attention evaluate`: quality of the detectors, and effect of the calibration on the ranking.

Articles are split into folds by their ids. Each fold is inspected by a calibrator trained on the other folds.
"""

import hashlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator
from recsys.cpu_threads import cpu_threads
from recsys.encoder.article_text import article_texts
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import encode_context_fields
from recsys.encoder.spread_encoding import encoder_of
from recsys.errors import DataError
from recsys.experiments.detection_scores import detection
from recsys.experiments.noisy_clicks import measure_noisy_clicks
from recsys.experiments.topic_fidelity import topic_articles, topic_fidelity
from recsys.frames import where
from recsys.settings import Settings
from recsys.store import articles as article_store
from recsys.store.database import Database
from recsys.training.calibration.damage_benchmark import DamageBenchmark, content_scoring, involved
from recsys.training.calibration.damaged_text import ROTATIONS
from recsys.training.calibration.fit_detectors import LEAST_ARTICLES, fit_calibrator
from recsys.training.calibration.recent_slates import newest_slates
from recsys.training.calibration.robustness import robustness
from recsys.training.training_run import Progress

FOLDS = 4


def evaluate_attention(
    database: Database,
    settings: Settings,
    seeds: int,
    most_slates: int,
    progress: Progress,
    titles_only: bool = False,
) -> dict[str, Any]:
    """Measure detection by kind of damage, topics and ranking with damaged titles, and ranking with noisy clicks.

    The last `most_slates` slates of `database` are ranked by content match, without training. With `titles_only`
    the encoder gets no categories, as from a publisher without them: before a damaged title they reduce the
    damage.

    Raises:
        DataError: there are too few articles, or no slate with a history, a click and a non-click.
        EncoderError: the encoder cannot be loaded.
    """
    encoder = encoder_of(settings)
    with database.read() as connection:
        stored = article_store.count(connection)
    if stored < LEAST_ARTICLES:
        raise DataError(f"{stored} articles are too few to train a detector: ingest at least {LEAST_ARTICLES}")
    newest = newest_slates(database, encoder, most_slates, progress)
    everything, folds = as_read(newest.stored, titles_only), _folds(newest.stored)
    involved_mask, model = involved(newest.data, newest.rows), encoder.loaded()
    with cpu_threads(settings.threads):
        calibrators = []
        for fold in range(FOLDS):
            progress("detectors", fold + 1, FOLDS)
            calibrators.append(fit_calibrator(model, where(everything, folds != fold), settings.seed))
        progress("detection", 1, 1)
        detected = _detection(model, calibrators[0], everything, folds, settings.seed)
        known = topic_articles(model, newest.stored, folds)
        topics = None if known is None else topic_fidelity(model, calibrators, known, settings.seed, progress)
        part = where(everything, involved_mask)
        benchmark = DamageBenchmark(
            model,
            calibrators,
            part,
            newest.rows[involved_mask],
            folds[involved_mask],
            newest.data,
            content_scoring,
            encode_context_fields(model, article_texts(part, model.reads_bodies)),
        )
        corrupted = robustness(benchmark, seeds, progress)
    history = measure_noisy_clicks(newest, settings, encoder, seeds, progress)
    return {"detection": detected, "topics": topics, "robustness": corrupted, "history": history}


def _detection(
    model: TextEncoder, calibrator: Calibrator, everything: pl.DataFrame, folds: NDArray[np.int64], seed: int
) -> dict[str, Any]:
    """Return the detection on the first fold; `held_out`: by scorers that did not train on the kind."""
    tested, others = where(everything, folds == 0), where(everything, folds != 0)
    halves = [fit_calibrator(model, others, seed, kinds) for kinds in ROTATIONS]
    return detection(model, calibrator, tested, seed, halves)


def as_read(articles: pl.DataFrame, titles_only: bool) -> pl.DataFrame:
    """Return `articles`, without categories if `titles_only`."""
    if not titles_only:
        return articles
    null = pl.lit(None, dtype=pl.String)
    return articles.with_columns(category=null, subcategory=null)


def _folds(articles: pl.DataFrame) -> NDArray[np.int64]:
    """Return a fold for each article [n], by its id only."""
    digests = (hashlib.blake2b(id_.encode(), digest_size=1).digest()[0] for id_ in articles["id"].to_list())
    return np.fromiter(digests, dtype=np.int64, count=articles.height) % FOLDS
