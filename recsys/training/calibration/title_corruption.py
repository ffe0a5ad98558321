"""Articles with damaged titles, tokenised, with a label for every token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import article_texts, headlines
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import context_vectors, encode_context_fields
from recsys.encoder.protocols import Vectors
from recsys.training.calibration.damaged_text import Damaged, NoiseKind
from recsys.training.calibration.text_corruption import Injector, undamaged


@dataclass(frozen=True, slots=True)
class DamagedTexts:
    """Tokenised texts [n]: token ids, and a flag per token for injected ones, both ragged.

    context: unit vectors [n, d] of the other fields of each article, zero where there are none; or None.
    """

    tokens: list[list[int]]
    injected: list[list[bool]]
    context: Vectors | None = None

    def context_of(self, rows: NDArray[np.int64]) -> Vectors | None:
        """Return the context of `rows` [b]."""
        return None if self.context is None else self.context[rows]

    def grid(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the injected tokens of `rows` [b], padded with False to the longest [b, T]."""
        out = np.zeros((len(rows), max(len(self.tokens[row]) for row in rows)), dtype=np.bool_)
        for index, row in enumerate(rows):
            out[index, : len(self.injected[row])] = self.injected[row]
        return out


def injector_of(encoder: TextEncoder, articles: pl.DataFrame) -> Injector:
    """Return an injector with the words of the encoder and the titles of `articles`."""
    return Injector(encoder.vocabulary(), articles["title"].to_list())


def damaged_titles(
    articles: pl.DataFrame, kinds: Sequence[NoiseKind | None], injector: Injector, seed: int
) -> list[Damaged]:
    """Return the title of each article, damaged by its kind of `kinds` [n]; None leaves it as it is."""
    rng = np.random.default_rng(seed)
    return [
        undamaged(title) if kind is None else injector.damage(title, kind, rng)
        for title, kind in zip(articles["title"].to_list(), kinds, strict=True)
    ]


def tokenised(
    encoder: TextEncoder, articles: pl.DataFrame, titles: Sequence[Damaged], context: Vectors | None = None
) -> DamagedTexts:
    """Tokenise `articles` with these titles; the title comes last in the text. `context`: see `contexts_of`."""
    replaced = articles.with_columns(pl.Series("title", [title.text for title in titles], dtype=pl.String))
    words = [text.split() for text in headlines(replaced)]
    injected = [
        [False] * (len(line) - len(title.words)) + list(title.injected)
        for line, title in zip(words, titles, strict=True)
    ]
    tokens, word_indices = encoder.tokenize_words(words)
    labels = [
        [index >= 0 and flags[index] for index in line] for line, flags in zip(word_indices, injected, strict=True)
    ]
    return DamagedTexts(tokens, labels, context)


def contexts_of(encoder: TextEncoder, articles: pl.DataFrame) -> Vectors:
    """Return the context of each headline [n, d]: unit mean of topic and abstract, zero without both."""
    return context_vectors(encode_context_fields(encoder, article_texts(articles, encoder.reads_bodies)))
