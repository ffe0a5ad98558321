"""Training of both detectors on normal articles, and on articles with injected damage in their titles.

The limits of the field weights come from the same normal articles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Calibrator
from recsys.calibration.field_weights import FieldWeights
from recsys.calibration.head_anomaly_detector import StructureDetector, fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.token_detector import TokenBatch, fit_tokens, token_batch
from recsys.calibration.training_loop import FitConfig
from recsys.encoder.article_text import article_texts
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import context_vectors, encode_context_fields
from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import batches
from recsys.errors import DataError
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.text_corruption import TRAINED
from recsys.training.calibration.title_corruption import (
    DamagedTexts,
    damaged_titles,
    injector_of,
    tokenised,
)

LEAST_ARTICLES = 100
"""Smallest number of articles to train a detector."""

MOST_ARTICLES = 800
"""Largest number of articles to train on, to limit the time."""

DRAWS = 3
"""Damaged copies of each article, of kinds drawn at random. Fewer copies, learned at a larger rate, find as much
as twelve (docs/log/encoder-and-compute.md, 2026-11-28).
"""

_WEIGHTS = {NoiseKind.PHRASE: 2.0, NoiseKind.REPLACED: 2.0, NoiseKind.RANDOM: 2.0}
"""Kinds of ordinary words are drawn more often (others: 1): they are hard to detect."""

WITHOUT_CONTEXT = 0.3
"""Share of the training texts whose context is left out, for articles that have nothing but a headline."""

LIMITING = 4
"""One of this many articles sets the threshold of the token scorer instead of training it."""

STRUCTURE_EPOCHS, TOKEN_EPOCHS = 60, 6
TOKEN_RATE = 3e-3
"""Learning rate of the token scorer."""


def fit_calibrator(
    encoder: TextEncoder,
    articles: pl.DataFrame,
    seed: int,
    kinds: Sequence[NoiseKind] = TRAINED,
    context: Vectors | None = None,
) -> Calibrator:
    """Profile `articles` (columns of `frames.ARTICLES`), and train both detectors; `kinds` train the scorer.

    context: topics and abstracts [n, 2, d] of the articles, if they are encoded already.

    The strength is the identity: the gate decides what is adjusted.

    Raises:
        DataError: there are no articles.
    """
    numbered = articles.with_row_index("row")
    sample = numbered.sample(min(MOST_ARTICLES, articles.height), seed=seed, shuffle=True)
    rows, sample = sample["row"].to_numpy(), sample.drop("row")
    if sample.is_empty():
        raise DataError("no article to learn normal attention from: ingest articles first")
    injector, limiting_count = injector_of(encoder, sample), sample.height // LIMITING
    limiting_part, training = sample[:limiting_count], sample[limiting_count:]
    texts = article_texts(sample, encoder.reads_bodies)
    fields = encode_context_fields(encoder, texts) if context is None else context[rows]
    limiting_context, known_context = np.split(context_vectors(fields), [limiting_count])
    rng = np.random.default_rng(seed)

    def observe(
        part: pl.DataFrame, known: Vectors, drawn: Sequence[NoiseKind | None], number: int
    ) -> list[_ObservedBatch]:
        titles = damaged_titles(part, drawn, injector, seed + number)
        left = known * (rng.random((part.height, 1)) >= WITHOUT_CONTEXT)
        texts = tokenised(encoder, part, titles, left.astype(np.float32))
        return [_ObservedBatch(rows, raw, seen, texts.grid(rows)) for rows, raw, seen in observed(encoder, texts)]

    limiting = observe(limiting_part, limiting_context, [None] * limiting_part.height, 0)
    normal = observe(training, known_context, [None] * training.height, 0)
    weights = np.asarray([_WEIGHTS.get(kind, 1.0) for kind in kinds])
    damaged = [
        each
        for number in range(1, DRAWS + 1)
        for each in observe(training, known_context, _drawn(kinds, weights, training.height, rng), number)
    ]
    structure = _structure([each.seen for each in (*limiting, *normal)], seed)
    config = FitConfig(epochs=TOKEN_EPOCHS, batch=1, seed=seed, learning_rate=TOKEN_RATE)
    tokens = fit_tokens([each.words for each in (*normal, *damaged)], [each.words for each in limiting], config)
    headlines = np.concatenate([_headlines(limiting), _headlines(normal)])
    return Calibrator(structure, tokens, fields=FieldWeights.fitted(headlines, fields[:, 1]))


def _drawn(
    kinds: Sequence[NoiseKind], weights: NDArray[np.float64], count: int, rng: np.random.Generator
) -> list[NoiseKind]:
    return [kinds[index] for index in rng.choice(len(kinds), size=count, p=weights / weights.sum())]


@dataclass(frozen=True, slots=True)
class _ObservedBatch:
    """Batch with its observation. rows: of its texts [B]; raw: vectors [B, d]; injected: tokens [B, T]."""

    rows: NDArray[np.int64]
    raw: Vectors
    seen: Observation
    injected: NDArray[np.bool_]

    @property
    def words(self) -> TokenBatch:
        """Return the input of the token scorer."""
        return token_batch(self.seen, self.injected)


def _headlines(observations: Sequence[_ObservedBatch]) -> Vectors:
    """Return the vectors [n, d] of all batches, in the order of the texts."""
    order = np.argsort(np.concatenate([each.rows for each in observations]))
    return np.asarray(np.concatenate([each.raw for each in observations])[order])


def _structure(normal: Sequence[Observation], seed: int) -> StructureDetector:
    return fit_structure(Profile.of(normal), normal, FitConfig(epochs=STRUCTURE_EPOCHS, batch=64, seed=seed))


def observed(
    encoder: TextEncoder, texts: DamagedTexts
) -> Iterator[tuple[NDArray[np.int64], Vectors, Observation]]:
    """Encode tokenised texts, and yield batches of rows [b] with their vectors [b, d] and observations."""
    for rows in batches(texts.tokens):
        raw, seen = encoder.observe_tokens([texts.tokens[row] for row in rows], context=texts.context_of(rows))
        yield rows, raw, seen
