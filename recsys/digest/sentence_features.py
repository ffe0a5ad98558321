"""Features of the sentences of a text, given a query: what the digest network knows beside the vectors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from recsys.digest.meeting import Sentence
from recsys.digest.terms import TermTable, subject_terms, term_table
from recsys.encoder.protocols import Vectors

Floats = NDArray[np.float64]

WIDTHS = (3, 10, 30)
"""Standard deviations, in sentences, of the neighbourhoods that features are smoothed over."""

FEATURES = (
    "cosine", "bm25", "log_words", "speaker", "disfluency", "asks", "position", "off_centre",
    *(f"{name}_{width}" for width in WIDTHS for name in ("topic", "bm25", "coherence", "cosine")),
    "speaker_5", "speaker_20", "log_words_10", "centrality",
    "query_centrality", "log_sentences", "lexical", "best_cosine",
)  # fmt: skip
"""Columns of `features`. topic: cosine of the query with the mean of the neighbourhood; coherence: of the sentence
with it; query_centrality and later ones: equal for all sentences."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Sentences [n] with unit vectors [n, d], their terms, and the means of their neighbourhoods by width."""

    sentences: Sequence[Sentence]
    vectors: Vectors
    terms: TermTable
    words: Floats
    neighbourhoods: Sequence[Vectors]

    def __len__(self) -> int:
        return len(self.sentences)


@dataclass(frozen=True, slots=True)
class DigestQuery:
    """Query of a digest. text: empty for the whole; terms: those that name a subject; vector: unit [d]."""

    text: str
    terms: Sequence[str]
    vector: Vectors

    @property
    def whole(self) -> bool:
        """Return True if it names no subject, as "Summarize the meeting": the digest is of the whole text."""
        return not self.terms


def encoded_text(sentences: Sequence[Sentence], vectors: Vectors) -> EncodedText:
    """Prepare sentences and their vectors for any number of queries."""
    words = np.asarray([sentence.words for sentence in sentences], dtype=np.float64)
    weighted = vectors * np.log1p(words)[:, None].astype(np.float32)
    means = [_unit(_smooth(weighted, width)) for width in WIDTHS]
    return EncodedText(sentences, vectors, term_table([sentence.text for sentence in sentences]), words, means)


def query_for(text: EncodedText, query: str, vector: Vectors) -> DigestQuery:
    """Return a query with its unit vector [d]; one without a subject gets the direction of the whole text."""
    terms = subject_terms(query)
    return DigestQuery(query, terms, vector if terms else centre(text))


def centre(text: EncodedText) -> Vectors:
    """Return the unit mean vector [d] of the sentences, weighted by the logarithm of their words."""
    summed: Vectors = np.log1p(text.words).astype(np.float32) @ text.vectors
    return _unit(summed)


def features(text: EncodedText, query: DigestQuery) -> NDArray[np.float32]:
    """Return the features [n, len(FEATURES)]; cosines and BM25 are in standard deviations within the text."""
    cosine, lexical = (text.vectors @ query.vector).astype(np.float64), text.terms.bm25(query.terms)
    log_words = np.log1p(text.words)
    speaker = _speaker_named(text.sentences, query.text)
    position = np.arange(len(text)) / len(text)
    middle = centre(text)
    columns = [
        _standard(cosine), _standard(lexical), log_words, speaker,
        np.asarray([sentence.disfluency for sentence in text.sentences]),
        np.asarray([float(sentence.asks) for sentence in text.sentences]),
        position, (position - 0.5) ** 2,
    ]  # fmt: skip
    for width, means in zip(WIDTHS, text.neighbourhoods, strict=True):
        near = _smooth(cosine * log_words, width) / _smooth(log_words, width)
        coherence = np.einsum("nd,nd->n", text.vectors, means)
        columns += [
            _standard(means @ query.vector),
            _standard(_smooth(lexical, width)),
            coherence,
            _standard(near),
        ]
    columns += [_smooth(speaker, 5), _smooth(speaker, 20), _smooth(log_words, 10), text.vectors @ middle]
    of_query = (query.vector @ middle, np.log(len(text)), float(lexical.max() > 0), cosine.max())
    columns += [np.full(len(text), value) for value in of_query]
    return np.stack(columns, axis=1).astype(np.float32)


def _speaker_named(sentences: Sequence[Sentence], query: str) -> Floats:
    """Return 1 for sentences of a speaker whom the query names, else 0: [n].

    "Professor" names "Professor E": the single letter at the end may be left out.
    """
    text = query.lower()

    def is_named(speaker: str) -> bool:
        full = speaker.lower()
        role = re.sub(r"\s+\S$", "", full)
        patterns = (rf"(?<!\w){re.escape(full)}(?!\w)", rf"(?<!\w){re.escape(role)}(?!\w)(?!\s\w\b)")
        return bool(full) and any(re.search(pattern, text) for pattern in patterns)

    named = {speaker: is_named(speaker) for speaker in {sentence.speaker for sentence in sentences}}
    return np.asarray([float(named[sentence.speaker]) for sentence in sentences])


def _smooth(values: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    """Return values [n] or [n, d], averaged over their neighbours with Gaussian weights."""
    smoothed: NDArray[np.floating] = gaussian_filter1d(values, width, axis=0, mode="nearest")
    return smoothed


def _standard(values: NDArray[np.floating]) -> Floats:
    """Return values [n] without their mean, in standard deviations."""
    wide = values.astype(np.float64)
    return np.asarray((wide - wide.mean()) / (wide.std() + 1e-6))


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
