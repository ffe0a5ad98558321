"""Benchmark of the article calibration: slates, and their articles, which can be damaged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import context_vectors
from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import encode_all
from recsys.training.calibration.ablation_arms import ARMS, encode_by_arm
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.text_corruption import Injector
from recsys.training.calibration.title_corruption import damaged_titles, injector_of, tokenised
from recsys.training.user_model_training import slate_aucs
from recsys.user_model.batch_scoring import one_by_one
from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.preference_data import PreferenceData

Scoring = Callable[[PreferenceData, Vectors], Sequence[NDArray[np.float64]]]
"""Function from slates and vectors by article row to scores of all candidates of each usable slate.

The vectors are those of headlines [rows, d], or of headlines and abstracts side by side [rows, 2d].
"""


@dataclass(frozen=True, slots=True)
class DamageBenchmark:
    """Slates with their articles.

    articles: n rows, columns of `frames.ARTICLES`; vector_rows: row of each article in the vectors that `data`
    indexes [n]; folds: index of the calibrator for each article [n], so that it need not be one trained on it;
    context: topics and abstracts [n, 2, d], zero where an article has none.
    """

    encoder: TextEncoder
    calibrators: Sequence[Calibrator]
    articles: pl.DataFrame
    vector_rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    data: PreferenceData
    scoring: Scoring
    context: Vectors

    @property
    def abstracts(self) -> Vectors:
        """Return the vectors of the abstracts [n, d], zero for a missing one."""
        return self.context[:, 1]

    @property
    def readers(self) -> NDArray[np.int64]:
        """Return the reader of each usable slate [s], as a number."""
        return self.data.reader[self.data.usable()]

    def injector(self) -> Injector:
        """Return an injector of damage for these articles."""
        return injector_of(self.encoder, self.articles)

    def encoded(
        self,
        rows: NDArray[np.int64],
        kinds: Sequence[NoiseKind | None],
        injector: Injector,
        seed: int,
        arms: Sequence[str] = ARMS,
    ) -> dict[str, Vectors]:
        """Return vectors [m, d] of articles `rows` [m] by arm, each damaged by its kind of `kinds` [m]."""
        out = {arm: np.zeros((len(rows), self.encoder.dim), dtype=np.float32) for arm in arms}
        for fold, calibrator in enumerate(self.calibrators):
            own = np.flatnonzero(self.folds[rows] == fold)
            articles = self.articles[rows[own]]
            titles = damaged_titles(articles, [kinds[index] for index in own.tolist()], injector, seed)
            texts = tokenised(self.encoder, articles, titles, context_vectors(self.context[rows[own]]))
            for arm, vectors in encode_by_arm(self.encoder, calibrator, texts, seed, arms).items():
                out[arm][own] = vectors
        return out

    def damaged_headlines(
        self, rows: NDArray[np.int64], kinds: Sequence[NoiseKind], injector: Injector, seed: int
    ) -> Vectors:
        """Return vectors [m, d] of articles `rows` [m] without calibration, each damaged by its kind of `kinds`.

        No detector looks at them, which takes half the time of `encoded`.
        """
        articles = self.articles[rows]
        titles = damaged_titles(articles, kinds, injector, seed)
        return encode_all(self.encoder, tokenised(self.encoder, articles, titles).tokens)

    def undamaged(self, seed: int, arms: Sequence[str]) -> dict[str, Vectors]:
        """Return vectors [n, d] of the undamaged headlines of all articles, by arm."""
        everything = np.arange(self.articles.height)
        return self.encoded(everything, [None] * len(everything), self.injector(), seed, arms)

    def aucs(self, headlines_nd: Vectors, abstracts_nd: Vectors | None = None) -> NDArray[np.float64]:
        """Return the AUC of each usable slate [s] with these headlines of the articles, and these abstracts."""
        vectors = headlines_nd if abstracts_nd is None else np.concatenate([headlines_nd, abstracts_nd], axis=1)
        known = max(int(self.data.candidates.max()), int(self.data.reads.max()), int(self.vector_rows.max())) + 1
        table = np.zeros((known, vectors.shape[1]), dtype=np.float32)
        table[self.vector_rows] = vectors
        return slate_aucs(self.data, self.data.usable(), self.scoring(self.data, table))


def content_scoring(data: PreferenceData, table: Vectors) -> list[NDArray[np.float64]]:
    """Score by the content match, which is not trained."""
    matcher = ContentMatcher()
    return one_by_one(lambda reads, shown: matcher.match(reads, shown, 0).scores, data, data.usable(), table)


def involved(data: PreferenceData, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the mask of article rows [n] that occur in a slate or history of `data`."""
    return np.asarray(np.isin(rows, np.union1d(data.candidates, data.reads)))
