"""Terms of sentences, and their lexical match with a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import snowballstemmer
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from recsys.digest.sentences import words_of

Floats = NDArray[np.float64]

_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75

_MORE_FUNCTION_WORDS = ("did", "does", "didn't", "don't", "doesn't", "okay", "ok", "yeah", "uh", "um", "just")

_QUESTION_WORDS = (
    "summarize", "summarise", "summary", "discuss", "discussed", "discussion", "discussions",
    "presentation", "meeting", "think", "thought", "say", "said", "talk", "talked", "talking",
    "mention", "group", "team", "member", "members", "introduce", "introduced", "conclusion", "opinion",
    "main", "points", "general", "whole", "entire", "overall", "content", "about",
)  # fmt: skip
"""Words of questions about meetings that name no subject."""


@cache
def stem(word: str) -> str:
    """Return the stem of a lower-case English word (Porter 2)."""
    return str(_stemmer().stemWord(word))


@cache
def function_terms() -> frozenset[str]:
    """Return the stems of words without a subject: stop words and contractions."""
    contractions = (
        f"{word}'{end}" for word in ("it", "that", "i", "we", "you", "they") for end in ("s", "m", "re")
    )
    return frozenset(map(stem, (*ENGLISH_STOP_WORDS, *contractions, *_MORE_FUNCTION_WORDS)))


def terms_of(text: str) -> list[str]:
    """Return the stems of the words of a text."""
    return [stem(word) for word in words_of(text)]


def subject_terms(query: str) -> list[str]:
    """Return the terms of a query that name a subject, each once, in order; none for "Summarize the meeting"."""
    without = function_terms() | set(map(stem, _QUESTION_WORDS))
    return [term for term in dict.fromkeys(terms_of(query)) if term not in without]


@dataclass(frozen=True, slots=True)
class TermTable:
    """Terms of n sentences. names: the vocabulary [v]; counts: of each term in each sentence [n, v]."""

    names: Sequence[str]
    counts: csr_array

    @property
    def lengths(self) -> Floats:
        """Number of terms of each sentence [n]."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.float64).ravel()

    def bm25(self, query: Sequence[str]) -> Floats:
        """Return the BM25 score of each sentence for the terms of a query [n] (Robertson and Zaragoza 2009)."""
        columns = [place for place, name in enumerate(self.names) if name in set(query)]
        if not columns:
            return np.zeros(self.counts.shape[0])
        counts_nq = self.counts[:, columns].toarray().astype(np.float64)
        holders_q = (counts_nq > 0).sum(axis=0)
        rarity_q = np.log1p((len(counts_nq) - holders_q + 0.5) / (holders_q + 0.5))
        relative_n1 = (self.lengths / max(self.lengths.mean(), 1e-9))[:, None]
        damping_n1 = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * relative_n1)
        return np.asarray((rarity_q * counts_nq * (_SATURATION + 1) / (counts_nq + damping_n1)).sum(axis=1))


def term_table(texts: Sequence[str]) -> TermTable:
    """Count the terms of the texts."""
    numbers: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        found = [numbers.setdefault(term, len(numbers)) for term in terms_of(text)]
        rows += [row] * len(found)
        columns += found
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(numbers)))
    counts.sum_duplicates()
    return TermTable(list(numbers), counts)


@cache
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")
