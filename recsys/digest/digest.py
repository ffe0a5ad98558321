"""Digest of a text: a weight per sentence, and an extract within a budget of reading time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.digest.coverage_extract import ExtractConfig, extract
from recsys.digest.digest_network import relevance
from recsys.digest.digest_weights import DigestWeights
from recsys.digest.meeting import Sentence
from recsys.digest.sentence_features import FEATURES, EncodedText, encoded_text, features, query_for
from recsys.digest.word_worth import PRIOR_WORTH
from recsys.encoder.protocols import TokenEncoder, Vectors
from recsys.encoder.token_batches import encode
from recsys.state.reading_time import seconds_to_read

Floats = NDArray[np.float64]

QUERY_SECONDS = 32.0
"""Default reading time of an answer to a query, chosen by cross-validation: docs/log/minutes.md."""

WHOLE_SECONDS = 40.0
"""Default reading time of the digest of a whole text."""

_LARGEST_SHARE, _LEAST_SECONDS = 1 / 3, 10.0
"""A default budget is at most this share of the reading time of the text, but no less than these seconds."""

_PRIOR = {"topic_10": 0.9, "cosine_3": 0.4, "bm25_3": 0.5, "cosine": 0.3, "log_words": 0.2}
"""Weights of features in the relevance of sentences without training."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Sentences of a text with the weight of each in [0, 1], [n], and the sentences of the extract, in order."""

    weights: Floats
    chosen: Sequence[int]
    seconds: float


class Digester:
    """Digests of texts by one encoder.

    Args:
        encoder: encoder of sentences and queries.
        weights: trained weights; None for a prior: the match of sentences with the query, or with the text.
        config: choice of sentences.
    """

    def __init__(
        self,
        encoder: TokenEncoder,
        weights: DigestWeights | None,
        config: ExtractConfig = ExtractConfig(),  # noqa: B008 - frozen
    ) -> None:
        self._encoder = encoder
        self._weights = weights
        self._config = config

    def read(self, sentences: Sequence[Sentence]) -> EncodedText:
        """Encode at least one sentence."""
        return encoded_text(sentences, self.vectors([sentence.text for sentence in sentences]))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors [n, d] of other texts, such as titles."""
        return encode(self._encoder, texts)

    def digest(self, text: EncodedText, query: str = "", seconds: float | None = None) -> Weighed:
        """Weigh the sentences for a query, or for the whole text, and choose those of the extract.

        Args:
            text: what `read` returns.
            query: question or subject; one without a subject ("Summarize the meeting") is for the whole text.
            seconds: budget of reading time; by default `QUERY_SECONDS` or `WHOLE_SECONDS`, less for short texts.
        """
        resolved = query_for(text, query, self.vectors([query])[0])
        columns = features(text, resolved)
        weights = (
            prior_relevance(columns) if self._weights is None else relevance(self._weights.network, text, columns)
        )
        worth = PRIOR_WORTH if self._weights is None else self._weights.worth
        budget = _default_seconds(text, resolved.whole) if seconds is None else seconds
        chosen = extract(text, weights, worth.worth(text, resolved, weights), budget, self._config)
        return Weighed(weights, chosen, budget)


def _default_seconds(text: EncodedText, whole: bool) -> float:
    usual = WHOLE_SECONDS if whole else QUERY_SECONDS
    return min(usual, max(_LEAST_SECONDS, _LARGEST_SHARE * float(seconds_to_read(text.words).sum())))


def prior_relevance(columns: NDArray[np.float32]) -> Floats:
    """Return the relevance [n] of sentences without training, from their features [n, F]."""
    logits = sum(weight * columns[:, FEATURES.index(name)].astype(np.float64) for name, weight in _PRIOR.items())
    return np.asarray(1 / (1 + np.exp(2.0 - logits)))
