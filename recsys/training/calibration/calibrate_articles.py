"""Calibrating articles in a training run: detectors are fitted, the gate decides, articles are read again."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibration
from recsys.calibration.calibrator_files import calibration_of
from recsys.encoder.field_concat import with_headlines
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoder, Vectors
from recsys.frames import where
from recsys.models.calibrator_io import article_encoder
from recsys.projection.vector_table import ensure_vectors
from recsys.store.database import Database
from recsys.training.calibration.article_gate import gate_articles
from recsys.training.calibration.damage_benchmark import DamageBenchmark, Scoring, involved
from recsys.training.calibration.fit_detectors import LEAST_ARTICLES, fit_calibrator
from recsys.training.dataset import Corpus
from recsys.training.training_run import Progress
from recsys.user_model.batch_scoring import scores
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

_MOST_SLATES = 2_000


@dataclass(frozen=True, slots=True)
class CalibratedArticles:
    """What came of it. corpus: with the vectors to go on with; calibration: None if none could be made.

    figures: what the gate decided and why, for the manifest.
    """

    corpus: Corpus
    calibration: Calibration | None
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interest:
    """What articles are matched by. data: slates, in rows of articles; rows: of the corpus's articles [n]."""

    network: PreferenceNetwork
    data: PreferenceData
    rows: NDArray[np.int64]


def calibrate_articles(
    database: Database, encoder: Encoder, corpus: Corpus, interest: Interest, seed: int, progress: Progress
) -> CalibratedArticles:
    """Fit detectors on the articles that validation does not show, and judge calibration on the slates that do.

    Raises:
        EncoderError: a vector is not finite.
    """
    when = corpus.when
    data = interest.data.only(interest.data.between(when.validate_from, when.until)[-_MOST_SLATES:])
    apart = ~np.isin(interest.rows, data.candidates)
    if not isinstance(encoder, LazyEncoder):
        return CalibratedArticles(corpus, None, {"on": None, "why": f"{encoder.name} cannot be watched"})
    if not len(data.at) or apart.sum() < LEAST_ARTICLES:
        why = f"{len(data.at)} slates to judge by and {apart.sum()} articles to learn from are too few"
        return CalibratedArticles(corpus, None, {"on": None, "why": why})
    progress("article calibration: detectors", 1, 1)
    model = encoder.loaded()
    calibrator = fit_calibrator(model, where(corpus.articles, apart), seed)
    there = involved(data, interest.rows)
    everything_once = np.zeros(int(there.sum()), dtype=np.int64)
    articles, rows = where(corpus.articles, there), interest.rows[there]
    scoring = _by(interest.network, rows, corpus.vectors[there])
    trial = DamageBenchmark(model, [calibrator], articles, rows, everything_once, data, scoring)
    strength, figures = gate_articles(trial, seed, progress)
    calibration = calibration_of(replace(calibrator, strength=strength))
    return _read_again(database, encoder, corpus, calibration, figures, progress)


def _read_again(
    database: Database,
    encoder: LazyEncoder,
    corpus: Corpus,
    calibration: Calibration,
    figures: dict[str, Any],
    progress: Progress,
) -> CalibratedArticles:
    """The corpus with the vectors of `calibration`: the same as before where nothing is on."""
    reader = article_encoder(encoder, calibration)
    vectors = ensure_vectors(
        database, reader, corpus.articles, lambda done, total: progress("articles calibrated", done, total)
    )
    if reader.name != calibration.name_of(encoder.name):
        # the breaker opened: what cannot read this log's articles is not published
        return CalibratedArticles(corpus, None, {**figures, "on": None, "why": "calibration failed on an article"})
    return CalibratedArticles(replace(corpus, vectors=vectors), calibration, figures)


def _by(network: PreferenceNetwork, rows: NDArray[np.int64], vectors: Vectors) -> Scoring:
    """Scores of the usable slates by `network`, which was trained on raw vectors: the space is the same.

    `vectors` [n, 3d] of the articles in `rows` [n], of which the headlines are replaced by those to be judged.
    """
    device = network.log_scale.device

    def scoring(data: PreferenceData, table: Vectors) -> list[NDArray[np.float64]]:
        articles = np.zeros((len(table), vectors.shape[1]), dtype=np.float32)
        articles[rows] = with_headlines(vectors, table[rows])
        return scores(network, data, data.usable(), torch.from_numpy(articles).to(device))

    return scoring
