"""Boilerplate of each source of a log, with the attention that it receives."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.calibration.boilerplate import Phrase, find_boilerplate
from recsys.encoder.bert import TextEncoder
from recsys.errors import DataError
from recsys.store import articles as article_store
from recsys.store.database import Database
from recsys.training.training_run import Progress

_OBSERVED = 50
"""Titles of a phrase whose attention is observed."""


@dataclass(frozen=True, slots=True)
class AttendedPhrase:
    """Boilerplate. received: mean mass that its words receive over that of the title's other words; 1 is even."""

    phrase: Phrase
    received: float


def source_boilerplate(database: Database, encoder: TextEncoder, progress: Progress) -> list[AttendedPhrase]:
    """Return the boilerplate of all stored titles, most common first.

    Raises:
        DataError: there are no articles.
        EncoderError: the encoder fails.
    """
    with database.read() as connection:
        stored, _ = article_store.upserted_since(connection, 0)
    if stored.is_empty():
        raise DataError("no articles to look at: run `attune ingest` first")
    titles, sources = stored["title"].to_list(), stored["source"].fill_null("").to_list()
    found = find_boilerplate(titles, sources)
    attended = []
    for done, phrase in enumerate(found, start=1):
        of_source = stored.filter(pl.col("source").fill_null("") == phrase.source)["title"].to_list()
        attended.append(AttendedPhrase(phrase, _received(encoder, phrase, of_source)))
        progress("phrases observed", done, len(found))
    return attended


def _received(encoder: TextEncoder, phrase: Phrase, titles: list[str]) -> float:
    marked = ((words, phrase.marks(words)) for words in map(str.split, titles))
    some = list(islice((pair for pair in marked if pair[1].any()), _OBSERVED))
    tokens, word_indices = encoder.tokenize_words([words for words, _ in some])
    _, seen = encoder.observe_tokens(tokens)
    own = _grid(word_indices, [mask for _, mask in some], seen.received.shape)
    known = _grid(word_indices, [np.ones(len(words), dtype=np.bool_) for words, _ in some], seen.received.shape)
    return float(seen.received[own].mean() / seen.received[known & ~own].mean())


def _grid(indices: list[list[int]], masks: list[NDArray[np.bool_]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the tokens [B, T] of the words that each of `masks` [w] marks."""
    out = np.zeros(shape, dtype=np.bool_)
    for row, (line, mask) in enumerate(zip(indices, masks, strict=True)):
        out[row, : len(line)] = [index >= 0 and bool(mask[index]) for index in line]
    return out
