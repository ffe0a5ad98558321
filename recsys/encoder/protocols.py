"""What the layers above ask of an encoder, and what it answers. No torch is needed to name these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import ArticleText

if TYPE_CHECKING:
    from recsys.calibration.attention_statistics import Observation
    from recsys.calibration.calibrator import Plan

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came of n articles. vectors: unit vectors [n, d] by the name they are stored under.

    attention: what was seen of each headline, n rows with the columns of `frames.ARTICLE_ATTENTION`; None if
    nobody watched.
    """

    vectors: Mapping[str, Vectors]
    attention: pl.DataFrame | None = None


class Encoder(Protocol):
    """Articles → unit vectors. `name` tells which: vectors of different names are never taken for each other."""

    @property
    def name(self) -> str:
        """Name of the vectors to use; among those that `read` gives, unless it changed meanwhile."""
        ...

    def read(self, texts: Sequence[ArticleText]) -> Encoded:
        """Encode articles by their texts.

        Raises:
            EncoderError: the model cannot be loaded, or gave vectors that are not finite.
        """
        ...


class TokenEncoder(Protocol):
    """A model as `encoder.bert.TextEncoder` is one: batches of tokens → unit vectors, watched or adjusted."""

    dim: int

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        ...

    def encode_tokens(self, tokens: Sequence[list[int]], plan: "Plan | None" = None) -> Vectors:
        """Unit vectors [n, d] of one batch; `plan` adjusts its attention."""
        ...

    def observe_tokens(self, tokens: Sequence[list[int]]) -> "tuple[Vectors, Observation]":
        """Unit vectors [n, d] of one batch, and what its attention did."""
        ...


class ModelEncoder(Encoder, Protocol):
    """An encoder that hands out its model, so that its attention can be watched and adjusted."""

    def loaded(self) -> TokenEncoder:
        """The model.

        Raises:
            EncoderError: it cannot be loaded.
        """
        ...
