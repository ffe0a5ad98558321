"""Training both detectors on articles: the normal ones as they are, and damage injected into their titles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Calibrator
from recsys.calibration.head_anomaly_detector import StructureDetector, fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.token_detector import TokenBatch, fit_tokens, token_batch
from recsys.calibration.training_loop import FitConfig
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import batches
from recsys.errors import DataError
from recsys.training.calibration.text_corruption import TRAINED, NoiseKind
from recsys.training.calibration.title_corruption import damaged_titles, injector_of, tokenised

LEAST_ARTICLES = 100
"""Fewer articles train no detector."""

MOST_ARTICLES = 1_200
"""Articles the detectors are trained on at most, for time. Twice the examples (1,100 articles damaged twice in
place of 730 damaged once) lift what the gate wins back on MIND from 29% to about a half (docs/log/)."""

_DRAWS = {NoiseKind.PHRASE: 3}
_DRAWS_OF_OTHERS = 2
"""How often each article is damaged in a way: what is hard to tell needs more examples. With more phrases still,
normal titles look strange, and fewer random words are found (docs/log/)."""

LIMITING = 4
"""One article in so many sets the threshold of the token scorer instead of training it."""

STRUCTURE_EPOCHS, TOKEN_EPOCHS = 60, 10


def fit_calibrator(
    encoder: TextEncoder, articles: pl.DataFrame, seed: int, kinds: Sequence[NoiseKind] = TRAINED
) -> Calibrator:
    """Profile `articles` (columns of `frames.ARTICLES`), and train both detectors; `kinds` train the scorer.

    The strength stays at identity: whether anything is adjusted is for the gate to decide.

    Raises:
        DataError: there are no articles.
    """
    chosen = articles.sample(min(MOST_ARTICLES, articles.height), seed=seed, shuffle=True)
    if chosen.is_empty():
        raise DataError("no article to learn normal attention from: ingest articles first")
    injector, apart = injector_of(encoder, chosen), chosen.height // LIMITING

    def watched(part: pl.DataFrame, kind: NoiseKind | None, number: int) -> list[_Watched]:
        titles = damaged_titles(part, [kind] * part.height, injector, seed + number)
        texts = tokenised(encoder, part, titles)
        return [_Watched(seen, texts.grid(rows)) for rows, seen in observed(encoder, texts.tokens)]

    limiting, normal = watched(chosen[:apart], None, 0), watched(chosen[apart:], None, 0)
    draws = [kind for kind in kinds for _ in range(_DRAWS.get(kind, _DRAWS_OF_OTHERS))]
    damaged = [
        each for number, kind in enumerate(draws, start=1) for each in watched(chosen[apart:], kind, number)
    ]
    structure = _structure([each.seen for each in (*limiting, *normal)], seed)
    config = FitConfig(epochs=TOKEN_EPOCHS, batch=1, seed=seed)
    tokens = fit_tokens([each.words for each in (*normal, *damaged)], [each.words for each in limiting], config)
    return Calibrator(structure, tokens)


@dataclass(frozen=True, slots=True)
class _Watched:
    """What was seen of a batch, and which of its tokens were injected [B, T]."""

    seen: Observation
    injected: NDArray[np.bool_]

    @property
    def words(self) -> TokenBatch:
        """As the token scorer sees it."""
        return token_batch(self.seen, self.injected)


def _structure(normal: Sequence[Observation], seed: int) -> StructureDetector:
    return fit_structure(Profile.of(normal), normal, FitConfig(epochs=STRUCTURE_EPOCHS, batch=64, seed=seed))


def observed(encoder: TextEncoder, tokens: Sequence[list[int]]) -> Iterator[tuple[NDArray[np.int64], Observation]]:
    """Watch the encoder read tokenised texts: batches of rows, and what was seen of them."""
    for rows in batches(tokens):
        _, seen = encoder.observe_tokens([tokens[row] for row in rows])
        yield rows, seen
