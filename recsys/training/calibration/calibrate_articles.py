"""Article calibration in a training run: train the detectors, decide by the gate, encode the articles again."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibration, Calibrator, Strength
from recsys.calibration.calibrator_files import calibration_of
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import FIELDS, split_fields, with_fields
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
from recsys.training.calibration.early_end import PILOT_SLATES, outlook_of_damage, outlook_of_fields
from recsys.training.calibration.field_gate import gate_fields
from recsys.training.calibration.fit_detectors import LEAST_ARTICLES, fit_calibrator
from recsys.training.dataset import Corpus
from recsys.training.training_run import Progress
from recsys.user_model.batch_scoring import scores
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

_MOST_SLATES = 2_000

_CANNOT_TELL = "cannot be known: a look at the newest slates gives the test little chance"


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
    held_out = ~np.isin(interest.rows, interest.data.only(slates).candidates)
    if not isinstance(encoder, LazyEncoder):
        return CalibratedArticles(corpus, None, {"on": None, "why": f"{encoder.name} cannot be watched"})
    if not len(slates) or held_out.sum() < LEAST_ARTICLES:
        reason = f"{len(slates)} slates to judge by and {held_out.sum()} articles to learn from are too few"
        return CalibratedArticles(corpus, None, {"on": None, "why": reason})
    progress("article calibration: detectors", 1, 1)
    model = encoder.loaded()
    _, context = split_fields(corpus.vectors[held_out])
    calibrator = fit_calibrator(model, where(corpus.articles, held_out), seed, context=context)
    strength, figures = _gated(_GateInputs(model, calibrator, corpus, interest, seed), slates, progress)
    calibration = calibration_of(replace(calibrator, strength=strength))
    return _encode_again(database, encoder, corpus, calibration, figures, progress)


@dataclass(frozen=True, slots=True)
class _GateInputs:
    """Everything that the gates share."""

    model: TextEncoder
    calibrator: Calibrator
    corpus: Corpus
    interest: Interest
    seed: int

    def benchmark(self, slates: NDArray[np.int64]) -> tuple[DamageBenchmark, Vectors]:
        """Return the benchmark of `slates` [m], and the stored headlines [n, d] of its articles."""
        data, own = self.interest.data.only(slates), self.interest
        mask = involved(data, own.rows)
        rows, vectors = own.rows[mask], self.corpus.vectors[mask]
        headlines, context = split_fields(vectors)
        scoring = _network_scoring(own.network, rows, vectors, self.corpus.space)
        folds = np.zeros(len(rows), dtype=np.int64)
        articles = where(self.corpus.articles, mask)
        benchmark = DamageBenchmark(self.model, [self.calibrator], articles, rows, folds, data, scoring, context)
        return benchmark, headlines


def _gated(shared: _GateInputs, slates: NDArray[np.int64], progress: Progress) -> tuple[Strength, dict[str, Any]]:
    """Return the strength that passes its gates, and their decisions for the manifest.

    Gates that cannot be expected to pass are left out (`early_end`).
    """
    seed, off = shared.seed, Strength()
    progress("article calibration: outlook", 1, 1)
    loss = outlook_of_damage(*shared.benchmark(slates[-PILOT_SLATES:]), len(slates), seed)
    benchmark, headlines = shared.benchmark(slates[-loss.planned :] if loss.promising else slates)
    weights = outlook_of_fields(benchmark, headlines)
    figures: dict[str, Any] = {"on": None, "why": _CANNOT_TELL, "outlook": loss.as_dict()}
    fields: dict[str, Any] = {"passed": False, "why": _CANNOT_TELL, "outlook": weights.as_dict()}
    if not (loss.promising or weights.promising):
        return off, {**figures, "fields": fields}
    undamaged = benchmark.undamaged(seed, GATED)
    strength = off
    if loss.promising:
        strength, gate = gate_articles(benchmark, undamaged, seed, progress)
        figures = {**gate, "outlook": loss.as_dict()}
    if weights.promising:
        weigh, gate = gate_fields(benchmark, undamaged, figures["on"] or OFF, seed, progress)
        strength = replace(strength, fields=weigh)
        fields = {**gate, "outlook": weights.as_dict()}
    return strength, {**figures, "fields": fields}


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
