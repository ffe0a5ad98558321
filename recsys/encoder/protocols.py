"""Encoder interfaces for the layers above. Importing them does not import torch."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import ArticleText

if TYPE_CHECKING:
    from recsys.calibration.attention_statistics import Observation
    from recsys.calibration.calibrator import Calibration, Plan

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Result for n articles. vectors: unit vectors [n, d] by the name they are stored under.

    attention: attention statistics of each headline, n rows with the columns of `frames.ARTICLE_ATTENTION`; None
    if not observed.
    """

    vectors: Mapping[str, Vectors]
    attention: pl.DataFrame | None = None


class Encoder(Protocol):
    """Encoder of articles into unit vectors. Vectors of different names are never mixed."""

    @property
    def name(self) -> str:
        """Return the name of the vectors to use. `read` returns them, unless the name changed meanwhile."""
        ...

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Encode articles by their texts.

        Raises:
            EncoderError: the model cannot be loaded, or returned vectors that are not finite.
        """
        ...


@runtime_checkable
class PartsEncoder(Encoder, Protocol):
    """Encoder that can encode parts of many articles at once, in other processes."""

    def encode_parts(self, parts: Sequence[Sequence[ArticleText]]) -> Iterator[Encoded]:
        """Yield the result of `encode` for each part, in order.

        Raises:
            EncoderError: the model cannot be loaded, or returned vectors that are not finite.
            WorkerError: a worker died, again and again.
        """
        ...


@dataclass(frozen=True, slots=True)
class ObservedPart:
    """Part that another process encoded with calibration.

    counts: number of words [n] and of flagged words [n] of each batch, in order; failure: why its calibration
    failed, None if it did not.
    """

    encoded: Encoded
    counts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
    failure: str | None


@runtime_checkable
class ObservingEncoder(Protocol):
    """Encoder that encodes parts with a calibration in other processes; this process decides if it holds."""

    def observed_parts(
        self, parts: Sequence[Sequence[ArticleText]], calibration: "Calibration"
    ) -> Iterator[ObservedPart]:
        """Yield each part with raw and calibrated vectors, in order; raises the errors of `encode_parts`."""
        ...


def encode_parts(encoder: Encoder, parts: Sequence[Sequence[ArticleText]]) -> Generator[Encoded]:
    """Yield the articles of each part, in order, encoded by other processes if `encoder` has them."""
    yield from encoder.encode_parts(parts) if isinstance(encoder, PartsEncoder) else map(encoder.encode, parts)


class TokenEncoder(Protocol):
    """Model from batches of tokens to unit vectors, e.g.

    `bert.TextEncoder`; its attention can be observed or adjusted.
    """

    dim: int

    @property
    def reads_bodies(self) -> bool:
        """Return True if the third field of an article is its abstract and body."""
        ...

    def encode_long(self, texts: Sequence[str]) -> Vectors:
        """Encode long texts as unit vectors [n, d], by windows."""
        ...

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of each text."""
        ...

    def encode_tokens(self, tokens: Sequence[list[int]], plan: "Plan | None" = None) -> Vectors:
        """Encode one batch as unit vectors [n, d]; `plan` adjusts its attention."""
        ...

    def observe_tokens(
        self, tokens: Sequence[list[int]], *, context: Vectors | None = None
    ) -> "tuple[Vectors, Observation]":
        """Encode one batch as unit vectors [n, d], and observe its attention.

        context: unit vectors [n, d] of the other fields of each article, zero where there are none.
        """
        ...


class ModelEncoder(Encoder, Protocol):
    """Encoder that exposes its model, so that its attention can be observed and adjusted."""

    def loaded(self) -> TokenEncoder:
        """Return the model.

        Raises:
            EncoderError: it cannot be loaded.
        """
        ...
