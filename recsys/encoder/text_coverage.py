"""Texts that an encoder cannot tell apart: tokens that its tokenizer does not know, and texts with one vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from recsys.encoder.article_text import headlines
from recsys.encoder.field_concat import FIELDS
from recsys.encoder.protocols import Vectors

UNKNOWN_LIMIT = 0.05
"""Share of unknown tokens above which the encoder misses too much of the titles."""

SHARED_LIMIT = 0.02
"""Share of the headlines with the vector of another one above which vectors tell too little."""

_MOST_TITLES = 20_000
"""Titles that are tokenised at most, spread evenly over the articles."""

_DECIMALS = 2
"""Vectors of one token sequence differ by 1e-7 with the batch it was in; those of other texts by far more."""


class UnknownCounter(Protocol):
    """Tokenizer of an encoder, e.g. that of `bert.TextEncoder`."""

    def count_unknown(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return the number of tokens of `texts`, and of those that are not in the vocabulary."""
        ...


@dataclass(frozen=True, slots=True)
class TextCoverage:
    """Counts over the articles of a training.

    tokens, unknown: tokens of the titles without special ones, and those that the tokenizer does not know.
    headlines, shared: distinct headlines, and those whose vector another one has.
    """

    tokens: int = 0
    unknown: int = 0
    headlines: int = 0
    shared: int = 0

    @property
    def unknown_share(self) -> float:
        """Return the share of unknown tokens."""
        return self.unknown / max(self.tokens, 1)

    @property
    def shared_share(self) -> float:
        """Return the share of the headlines with the vector of another one."""
        return self.shared / max(self.headlines, 1)

    def warnings(self) -> list[str]:
        """Return a sentence for each share above its limit."""
        found = []
        if self.unknown_share > UNKNOWN_LIMIT:
            found.append(
                f"the encoder's tokenizer does not know {self.unknown_share:.0%} of the tokens of the titles: set "
                "ATTUNE_ENCODER to an encoder for the language of the articles"
            )
        if self.shared_share > SHARED_LIMIT:
            found.append(shared_sentence(self.shared, self.headlines))
        return found


def text_coverage(tokenizer: UnknownCounter, articles: pl.DataFrame, vectors_nd: Vectors) -> TextCoverage:
    """Count the unknown tokens of `articles` [n] (`frames.ARTICLES`), and the headlines that share a vector.

    `vectors_nd`: vectors [n, 3d] of the articles, as `field_concat` makes them.
    """
    titles = articles["title"].unique(maintain_order=True)
    chosen = titles.gather_every(max(1, -(-len(titles) // _MOST_TITLES)))
    tokens, unknown = tokenizer.count_unknown(chosen.to_list())
    return TextCoverage(tokens, unknown, *shared_vectors(headlines(articles), vectors_nd))


def shared_vectors(texts: Sequence[str], vectors_nd: Vectors) -> tuple[int, int]:
    """Return the number of distinct headlines [n], and of those whose vector another one has too.

    Case and spaces make no other headline. Only the headline's part of the vectors [n, 3d] counts.
    """
    keys = pl.Series("text", texts, dtype=pl.String).str.to_lowercase().str.replace_all(r"\s+", " ")
    first = keys.str.strip_chars().arg_unique().sort().to_numpy()
    if not len(first):
        return 0, 0
    rounded = np.round(vectors_nd[first, : vectors_nd.shape[1] // FIELDS] * 10**_DECIMALS).astype(np.int16)
    rows = np.ascontiguousarray(rounded).view(np.dtype((np.void, rounded.shape[1] * rounded.itemsize))).ravel()
    _, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return len(first), int((counts[inverse] > 1).sum())


def shared_sentence(shared: int, distinct: int) -> str:
    """Return the sentence about headlines that share a vector."""
    counts = f"{shared:,} of {distinct:,} different headlines"
    return f"{counts} have the vector of another one: the encoder cannot tell them apart"
