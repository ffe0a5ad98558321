"""Untrained interest match: similarity of a candidate to the articles that were read."""

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.vector_space import INVERSE_TEMPERATURE
from recsys.user_model.dwell_quantiles import dwell_prior
from recsys.user_model.matcher import Match, ReadHistory, mask_one_read, no_match

DWELL_WEIGHT = 4.0
"""η: for a reader whose clicks are all noise, reads are weighted by the fourth power of the quantile. Of 2, 4, 8
and 16 this is the largest that helps on simulated readers and does no harm on EB-NeRD (docs/log/).
"""

_QUERIES = 4


class ContentMatcher:
    """Matcher with the score ``(1/β)·log Σ_i w_i·exp(β·cos(candidate, read_i))``.

    β is that of the vectors' space. The score lies between the mean (β → 0) and the maximum (β → ∞) of the
    cosines. ``w_i ∝ max(q_i, ε)^(η·noise)``, Σw = 1: for a reader with noisy clicks, long reads get more weight
    (`dwell_prior`).
    """

    def __init__(
        self, inverse_temperature: float = INVERSE_TEMPERATURE, dwell_weight: float = DWELL_WEIGHT
    ) -> None:
        self.inverse_temperature = inverse_temperature
        self.dwell_weight = dwell_weight

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """Implement `Matcher.match`; the attention is the mean softmax over candidates."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        return self.of_cosines((candidates @ reads.vectors.T).astype(np.float64), self.prior(reads))

    def leave_one_out_scores(
        self,
        reads: ReadHistory,
        items: NDArray[np.intp],
        candidates: NDArray[np.float32],
        as_of: int,
    ) -> NDArray[np.float64]:
        """Implement `Matcher.leave_one_out_scores`."""
        return mask_one_read(self, reads, items, candidates, as_of)

    def with_evidence(
        self,
        scores: NDArray[np.float64],
        evidence: NDArray[np.float32],  # noqa: ARG002
        as_of: int,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Implement `Matcher.with_evidence`: the untrained match uses none."""
        return scores

    def prior(self, reads: ReadHistory) -> NDArray[np.float64]:
        """Return the log-weights [h] of reads, up to a constant."""
        return self.dwell_weight * dwell_prior(reads.quantile, reads.noise)

    def of_cosines(self, cosines_nh: NDArray[np.float64], prior_h: NDArray[np.float64] | None = None) -> Match:
        """Return the match for known cosines of candidates and reads; h ≥ 1 and n ≥ 1.

        `prior_h`: see `prior`; None gives all reads the same weight.
        """
        prior_h = np.zeros(cosines_nh.shape[1]) if prior_h is None else prior_h
        logits_nh = self.inverse_temperature * cosines_nh + prior_h
        top_n1 = logits_nh.max(axis=1, keepdims=True)
        weights_nh = np.exp(logits_nh - top_n1)
        sums_n1 = weights_nh.sum(axis=1, keepdims=True)
        scores = (np.log(sums_n1) + top_n1)[:, 0] - np.log(np.exp(prior_h).sum())
        return Match(scores / self.inverse_temperature, (weights_nh / sums_n1).mean(axis=0))

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the last reads as queries: for this matcher, similarity to any one of them counts."""
        return reads.vectors[::-1][:_QUERIES]


def mean_match(reads: ReadHistory, candidates: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine [n] to the mean of the history: the plain baseline."""
    if not len(reads):
        return np.zeros(len(candidates))
    return np.asarray((candidates @ reads.vectors.mean(axis=0)).astype(np.float64))
