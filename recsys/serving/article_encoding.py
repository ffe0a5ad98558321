"""Vectors of new articles for a live engine, and messages about those with a flagged headline."""

import time
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.protocols import Encoder
from recsys.errors import EncoderBusyError
from recsys.projection.vector_table import ensure_vectors, stored_vectors
from recsys.serving.flagged_headlines import AttentionRecorder, announce_flagged
from recsys.store.database import Database


@dataclass(frozen=True, slots=True, eq=False)
class EncodedArticles:
    """Articles (n rows), the mask of those with a vector [n], and these vectors [m, d]."""

    articles: pl.DataFrame
    present: NDArray[np.bool_]
    vectors: NDArray[np.float32]


def encode_articles(database: Database, encoder: Encoder, articles: pl.DataFrame) -> EncodedArticles:
    """Return `articles` with their vectors; encode and store missing ones, and announce flagged headlines.

    While another process encodes, the vectors that it has stored so far are taken.

    Raises:
        EncoderError: the encoder fails.
    """
    recorder = AttentionRecorder(encoder)
    try:
        vectors = ensure_vectors(database, recorder, articles)
    except EncoderBusyError:
        return EncodedArticles(articles, *stored_vectors(database, encoder.name, articles))
    announce_flagged(database, articles, recorder, time.time_ns() // 1_000)
    return EncodedArticles(articles, np.ones(len(articles), dtype=np.bool_), vectors)
