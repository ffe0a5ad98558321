"""Articles with damaged titles, as the encoder reads them, with the truth of every token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import headlines
from recsys.encoder.bert import TextEncoder
from recsys.training.calibration.text_corruption import Damaged, Injector, NoiseKind, undamaged


@dataclass(frozen=True, slots=True)
class DamagedTexts:
    """n texts: token ids, and whether each token was injected, both ragged."""

    tokens: list[list[int]]
    injected: list[list[bool]]

    def grid(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Injected tokens of `rows` [b], padded with False to the longest [b, T]."""
        out = np.zeros((len(rows), max(len(self.tokens[row]) for row in rows)), dtype=np.bool_)
        for place, row in enumerate(rows):
            out[place, : len(self.injected[row])] = self.injected[row]
        return out


def injector_of(encoder: TextEncoder, articles: pl.DataFrame) -> Injector:
    """An injector that knows the words of the encoder and the titles of `articles`."""
    return Injector(encoder.vocabulary(), articles["title"].to_list())


def damaged_titles(
    articles: pl.DataFrame, kinds: Sequence[NoiseKind | None], injector: Injector, seed: int
) -> list[Damaged]:
    """The title of each article damaged in its way of `kinds` [n], None leaving it as it is."""
    rng = np.random.default_rng(seed)
    return [
        undamaged(title) if kind is None else injector.damage(title, kind, rng)
        for title, kind in zip(articles["title"].to_list(), kinds, strict=True)
    ]


def tokenised(encoder: TextEncoder, articles: pl.DataFrame, titles: Sequence[Damaged]) -> DamagedTexts:
    """What the encoder reads of `articles` under these titles; the title stands last in the text."""
    replaced = articles.with_columns(pl.Series("title", [title.text for title in titles], dtype=pl.String))
    words = [text.split() for text in headlines(replaced)]
    injected = [
        [False] * (len(line) - len(title.words)) + list(title.injected)
        for line, title in zip(words, titles, strict=True)
    ]
    tokens, places = encoder.tokenize_words(words)
    truth = [[place >= 0 and flags[place] for place in line] for line, flags in zip(places, injected, strict=True)]
    return DamagedTexts(tokens, truth)
