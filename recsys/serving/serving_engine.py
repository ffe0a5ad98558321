"""Serving engine: all values that one answer needs. It is replaced as a whole, never changed."""

from dataclasses import dataclass

import polars as pl

from recsys.encoder.protocols import Encoder
from recsys.feed.engine import FeedEngine
from recsys.serving.bundle_encoder import BundleMonitor


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingEngine:
    """Engine, and the encoder of its article vectors.

    Attributes:
        engine: answers requests.
        encoder: article text → vector, with the calibration of the active bundle.
        vector_name: name of the vectors in the engine. It differs from `encoder.name` after a breaker opened.
        monitor: calibration monitor of the active bundle; None if it has no calibrator.
        revision: changes of articles up to this revision are in the engine, or in `unencoded`.
        unencoded: articles without a vector (`frames.ARTICLES`).
    """

    engine: FeedEngine
    encoder: Encoder
    vector_name: str
    monitor: BundleMonitor | None
    revision: int
    unencoded: pl.DataFrame
