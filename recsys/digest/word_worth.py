"""Worth of words: the probability that a summary of the relevant sentences uses a word.

A logistic regression on a dozen features of a word. The extract covers words of large worth: coverage of concepts,
Gillick and Favre, "A scalable global model for summarization", 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.digest.sentence_features import DigestQuery, EncodedText
from recsys.digest.terms import function_terms, stem, terms_of

Floats = NDArray[np.float64]

_SHARPNESS = 1.5
"""Power of the relevance of sentences in the counts of their words."""

_SPOKEN = (
    "i", "you", "me", "my", "your", "we", "us", "our", "he", "she", "it", "they", "them", "this",
    "that", "there", "yeah", "okay", "uh", "what", "how", "do", "don't", "just", "like", "got", "get",
    "gonna", "go", "know", "think", "really", "bit", "thing", "mean",
)  # fmt: skip
"""Words that people say and summaries avoid."""


WORD_FEATURES = (
    "log_relevant", "log_count", "log_lift", "subject", "in_query", "function", "of_speech", "letters", "whole",
    "function_count", "digits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordWorth:
    """Logistic regression. weights: [len(WORD_FEATURES)], of the features as they are; bias: of all words."""

    weights: Floats
    bias: float

    def worth(self, text: EncodedText, query: DigestQuery, relevance: Floats) -> Floats:
        """Return the worth [v] of each term of the text, given the relevance [n] of the sentences."""
        logits = word_features(text, query, relevance) @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-logits)))


PRIOR_WORTH = WordWorth(np.asarray([0.45, 0.75, 0.3, 0.6, 0.4, 0.0, -0.7, 0.1, 0.3, 0.1, 0.2]), -5.5)
"""Worth without training: rounded numbers that favour frequent, relevant and long words."""


def word_features(text: EncodedText, query: DigestQuery, relevance: Floats) -> Floats:
    """Return the features of each term of the text [v, len(WORD_FEATURES)]; counts are per thousand words."""
    weight = relevance**_SHARPNESS
    counts = np.asarray(text.terms.counts.sum(axis=0)).ravel()
    relevant = text.terms.counts.T @ weight
    names = text.terms.names
    per_word = weight @ text.terms.lengths / max(counts.sum(), 1e-9)
    log_count = np.log(counts / counts.sum() * 1e3)
    in_query = _flags(names, frozenset(terms_of(query.text)))
    function = _flags(names, function_terms())
    return np.stack(
        [
            np.log(relevant / max(relevant.sum(), 1e-9) * 1e3 + 0.01),
            log_count,
            np.log((relevant + 0.05) / (counts * per_word + 0.05)),
            _flags(names, frozenset(query.terms)),
            in_query,
            function,
            _flags(names, frozenset(map(stem, _SPOKEN))),
            np.asarray([len(name) for name in names], dtype=np.float64),
            np.full(len(names), float(query.whole)),
            log_count * function,
            np.asarray([float(name.isdigit()) for name in names]),
        ],
        axis=1,
    )


def _flags(names: Sequence[str], members: frozenset[str]) -> Floats:
    return np.asarray([float(name in members) for name in names])
