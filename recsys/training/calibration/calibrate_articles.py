"""Article calibration in a training run: train the detectors, decide by the gate, encode the articles again."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibration
from recsys.calibration.calibrator_files import calibration_of
from recsys.encoder.article_text import article_texts
from recsys.encoder.field_concat import FIELDS, encode_context_fields, with_fields
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoder, Vectors
from recsys.encoder.vector_space import VectorSpace
from recsys.frames import where
from recsys.models.calibrator_io import article_encoder
from recsys.projection.vector_table import ensure_vectors
from recsys.store.database import Database
from recsys.training.calibration.ablation_arms import OFF
from recsys.training.calibration.article_gate import GATED, gate_articles
from recsys.training.calibration.damage_benchmark import DamageBenchmark, Scoring, involved
from recsys.training.calibration.field_gate import gate_fields
from recsys.training.calibration.fit_detectors import LEAST_ARTICLES, fit_calibrator
from recsys.training.dataset import Corpus
from recsys.training.training_run import Progress
from recsys.user_model.batch_scoring import scores
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

_MOST_SLATES = 2_000


@dataclass(frozen=True, slots=True)
class CalibratedArticles:
    """Result of the article calibration.

    corpus: with the vectors to train on; calibration: None if impossible; figures: decision of the gate, for the
    manifest.
    """

    corpus: Corpus
    calibration: Calibration | None
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interest:
    """Interest model for the gate. data: slates, in article rows; rows: of the corpus's articles [n]."""

    network: PreferenceNetwork
    data: PreferenceData
    rows: NDArray[np.int64]


def calibrate_articles(
    database: Database, encoder: Encoder, corpus: Corpus, interest: Interest, seed: int, progress: Progress
) -> CalibratedArticles:
    """Train detectors on articles outside the validation slates, and gate the calibration on those slates.

    Raises:
        EncoderError: a vector is not finite.
    """
    when = corpus.when
    slates = interest.data.between(when.validate_from, when.until)[-_MOST_SLATES:]
    data = interest.data.only(slates)
    held_out = ~np.isin(interest.rows, data.candidates)
    if not isinstance(encoder, LazyEncoder):
        return CalibratedArticles(corpus, None, {"on": None, "why": f"{encoder.name} cannot be watched"})
    if not len(data.at) or held_out.sum() < LEAST_ARTICLES:
        reason = f"{len(data.at)} slates to judge by and {held_out.sum()} articles to learn from are too few"
        return CalibratedArticles(corpus, None, {"on": None, "why": reason})
    progress("article calibration: detectors", 1, 1)
    model = encoder.loaded()
    calibrator = fit_calibrator(model, where(corpus.articles, held_out), seed)
    involved_mask = involved(data, interest.rows)
    single_fold = np.zeros(int(involved_mask.sum()), dtype=np.int64)
    articles, rows = where(corpus.articles, involved_mask), interest.rows[involved_mask]
    scoring = _network_scoring(interest.network, rows, corpus.vectors[involved_mask], corpus.space)
    context = encode_context_fields(model, article_texts(articles, model.reads_bodies))
    benchmark = DamageBenchmark(model, [calibrator], articles, rows, single_fold, data, scoring, context)
    undamaged = benchmark.undamaged(seed, GATED)
    strength, figures = gate_articles(benchmark, undamaged, seed, progress)
    weigh, figures["fields"] = gate_fields(benchmark, undamaged, figures["on"] or OFF, seed, progress)
    calibration = calibration_of(replace(calibrator, strength=replace(strength, fields=weigh)))
    return _encode_again(database, encoder, corpus, calibration, figures, progress)


def _encode_again(
    database: Database,
    encoder: LazyEncoder,
    corpus: Corpus,
    calibration: Calibration,
    figures: dict[str, Any],
    progress: Progress,
) -> CalibratedArticles:
    """Return the corpus with the vectors of `calibration`; they are unchanged if nothing is on."""
    article_reader = article_encoder(encoder, calibration)
    vectors = ensure_vectors(
        database, article_reader, corpus.articles, lambda done, total: progress("articles calibrated", done, total)
    )
    if article_reader.name != calibration.name_of(encoder.name):
        # the breaker opened: a calibration that fails on this log's articles is not published
        return CalibratedArticles(corpus, None, {**figures, "on": None, "why": "calibration failed on an article"})
    return CalibratedArticles(replace(corpus, vectors=vectors), calibration, figures)


def _network_scoring(
    network: PreferenceNetwork, rows: NDArray[np.int64], vectors: Vectors, space: VectorSpace
) -> Scoring:
    """Return a scoring of the usable slates by `network`, which was trained in `space`.

    `vectors` [n, 3d] of the articles in `rows` [n]; their headlines are replaced by the evaluated ones, and their
    abstracts if the table has any.
    """
    device, width = network.log_scale.device, vectors.shape[1] // FIELDS

    def scoring(data: PreferenceData, table: Vectors) -> list[NDArray[np.float64]]:
        articles = np.zeros((len(table), vectors.shape[1]), dtype=np.float32)
        headlines, abstracts = table[rows, :width], table[rows, width:]
        articles[rows] = space.apply(with_fields(vectors, headlines, abstracts if abstracts.shape[1] else None))
        return scores(network, data, data.usable(), torch.from_numpy(articles).to(device))

    return scoring
