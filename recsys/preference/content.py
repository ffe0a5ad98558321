"""Interest match without training: how near a candidate lies to what was read."""

import numpy as np
from numpy.typing import NDArray

from recsys.preference.match import Match, Reads, no_match

INVERSE_TEMPERATURE = 8.0
"""Attention goes to the similar reads: on 200 MIND impressions 0.670 AUC, against 0.654 for the mean."""

_QUERIES = 4


class ContentMatcher:
    """``(1/β)·log mean_i exp(β·cos(candidate, read_i))``: between the mean (β → 0) and the maximum (β → ∞)."""

    def __init__(self, inverse_temperature: float = INVERSE_TEMPERATURE) -> None:
        self.inverse_temperature = inverse_temperature

    def match(self, reads: Reads, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """See `Matcher.match`; the attention is the mean softmax over candidates."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        return self.of_cosines((candidates @ reads.vectors.T).astype(np.float64))

    def of_cosines(self, cosines_nh: NDArray[np.float64]) -> Match:
        """The match where cosines of candidates and reads are known already; h ≥ 1 and n ≥ 1."""
        logits_nh = self.inverse_temperature * cosines_nh
        top_n1 = logits_nh.max(axis=1, keepdims=True)
        weights_nh = np.exp(logits_nh - top_n1)
        scores = (np.log(weights_nh.mean(axis=1)) + top_n1[:, 0]) / self.inverse_temperature
        return Match(scores, (weights_nh / weights_nh.sum(axis=1, keepdims=True)).mean(axis=0))

    def interests(self, reads: Reads, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """The last reads themselves: with an untrained match, near to one of them is what counts."""
        return reads.vectors[::-1][:_QUERIES]


def mean_match(reads: Reads, candidates: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine [n] to the mean of the history: the plain baseline."""
    if not len(reads):
        return np.zeros(len(candidates))
    return np.asarray((candidates @ reads.vectors.mean(axis=0)).astype(np.float64))
