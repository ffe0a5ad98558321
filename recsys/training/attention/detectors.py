"""Training both detectors on articles: the normal ones as they are, and damage injected into their titles."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.attention.calibrator import Calibrator
from recsys.attention.fitting import FitConfig
from recsys.attention.noise import TRAINED, Injector, NoiseKind
from recsys.attention.observe import Observation
from recsys.attention.profile import Profile
from recsys.attention.structure import fit_structure
from recsys.attention.tokens import TokenBatch, fit_tokens, token_batch
from recsys.encoder.batch import batches
from recsys.encoder.bert import TextEncoder
from recsys.errors import DataError
from recsys.training.attention.damage import DamagedTexts, damaged_titles, injector_of, tokenised

MOST_ARTICLES = 1_500
"""More articles do not make the detectors better, only the training longer."""

LIMITING = 4
"""One article in so many sets the threshold of the token scorer instead of training it."""

STRUCTURE_EPOCHS, TOKEN_EPOCHS = 30, 10


def fit_calibrator(
    encoder: TextEncoder, articles: pl.DataFrame, seed: int, kinds: Sequence[NoiseKind] = TRAINED
) -> Calibrator:
    """Profile `articles` (columns of `frames.ARTICLES`), and train both detectors; `kinds` train the scorer.

    The strength stays at identity: whether anything is adjusted is for the gate to decide.

    Raises:
        DataError: there are no articles.
    """
    chosen = articles.sample(min(MOST_ARTICLES, articles.height), seed=seed, shuffle=True)
    injector = injector_of(encoder, chosen)
    profile: Profile | None = None
    normal = []
    for _, seen in observed(encoder, _texts(encoder, chosen, [None] * chosen.height, injector, seed)):
        profile = profile or Profile(*seen.heads.shape[1:3])
        profile.add(seen)
        normal.append(seen)
    if profile is None:
        raise DataError("no article to learn normal attention from: ingest articles first")
    structure = fit_structure(profile, normal, FitConfig(epochs=STRUCTURE_EPOCHS, seed=seed))
    training, limiting = _token_batches(encoder, chosen, kinds, injector, seed)
    tokens = fit_tokens(training, limiting, FitConfig(epochs=TOKEN_EPOCHS, batch=1, seed=seed))
    return Calibrator(structure, tokens)


def _token_batches(
    encoder: TextEncoder, articles: pl.DataFrame, kinds: Sequence[NoiseKind], injector: Injector, seed: int
) -> tuple[list[TokenBatch], list[TokenBatch]]:
    """Texts to train the scorer on, every article as it is and damaged in every way; and normal ones apart."""
    apart = articles[: articles.height // LIMITING]
    trained = articles[articles.height // LIMITING :]
    training = [
        batch
        for number, kind in enumerate([None, *kinds])
        for batch in _batches(encoder, _texts(encoder, trained, [kind] * trained.height, injector, seed + number))
    ]
    limiting = list(_batches(encoder, _texts(encoder, apart, [None] * apart.height, injector, seed)))
    return training, limiting


def _batches(encoder: TextEncoder, texts: DamagedTexts) -> Iterator[TokenBatch]:
    for rows, seen in observed(encoder, texts):
        yield token_batch(seen, texts.grid(rows))


def observed(encoder: TextEncoder, texts: DamagedTexts) -> Iterator[tuple[NDArray[np.int64], Observation]]:
    """Watch the encoder read `texts`: batches of rows, and what was seen of them."""
    for rows in batches(texts.tokens):
        _, seen = encoder.observe_tokens([texts.tokens[row] for row in rows])
        yield rows, seen


def _texts(
    encoder: TextEncoder,
    articles: pl.DataFrame,
    kinds: Sequence[NoiseKind | None],
    injector: Injector,
    seed: int,
) -> DamagedTexts:
    return tokenised(encoder, articles, damaged_titles(articles, kinds, injector, seed))
