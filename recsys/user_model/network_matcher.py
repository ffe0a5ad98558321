"""The preference network behind the `Matcher` seam."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import Match, ReadHistory, mask_one_read, no_match
from recsys.user_model.network_weights import PreferenceWeights
from recsys.user_model.numpy_inference import Floats, MaskedHistories, NumpyNetwork


@dataclass(frozen=True, slots=True)
class EncodedReads:
    """The last reads of a history as the network took them in.

    values: projected (H, P); known: those with their circumstances (H, P); pooled: what interests are made of
    (1, H, P); alpha: (1, K, H); interests: (1, K, P).
    """

    reads: ReadHistory
    values: Floats
    known: Floats
    pooled: Floats
    alpha: Floats
    interests: Floats


class NetworkMatcher:
    """Scores one request.

    What the network makes of a history is kept as long as the history is: retrieval, ranking and reasons of one
    request ask for it.
    """

    def __init__(self, weights: PreferenceWeights) -> None:
        self.weights = weights
        self.forward = NumpyNetwork(weights)
        self._attended: WeakKeyDictionary[ReadHistory, EncodedReads] = WeakKeyDictionary()

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """See `Matcher.match`; the attention is the mean over interests."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        of = self.without_hidden(reads)
        scores_1N = self.forward.logits(of.interests, self.forward.directions(candidates))
        attention = np.zeros(len(reads))
        attention[len(reads) - len(of.reads) :] = of.alpha[0].mean(axis=0)
        return Match(scores_1N[0].astype(np.float64), attention)

    def leave_one_out_scores(
        self,
        reads: ReadHistory,
        items: NDArray[np.intp],
        candidates: NDArray[np.float32],
        as_of: int,
    ) -> NDArray[np.float64]:
        """See `Matcher.without_each`: one pass over the history, each time with one read masked."""
        if len(reads) <= 1 or not len(candidates):
            return np.zeros((len(items), len(candidates)))
        if len(reads) > self.weights.config.history:  # a read that moves out lets an older one move in
            return mask_one_read(self, reads, items, candidates, as_of)
        of, forward = self.without_hidden(reads), self.forward
        there_MH = np.arange(len(reads)) != items[:, None]
        ways = MaskedHistories(
            there_MH, np.where(there_MH, reads.quantile, np.nan).astype(np.float32), reads.noise
        )
        hidden_MHP = forward.hidden(of.known, there_MH)
        interests_MKP = forward.interests(forward.alpha(hidden_MHP, ways), forward.pooled(of.values, hidden_MHP))
        return forward.logits(interests_MKP, forward.directions(candidates)).astype(np.float64)

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Queries in article space: the reads as each interest weighs them."""
        if not len(reads):
            return reads.vectors[:0]
        of = self.without_hidden(reads)
        queries = of.alpha[0] @ of.reads.vectors
        return np.asarray(
            queries / np.linalg.norm(queries, axis=1, keepdims=True).clip(min=1e-6), dtype=np.float32
        )

    def without_hidden(self, reads: ReadHistory) -> EncodedReads:
        """What the network makes of the last `reads`, as many as it looks at; at least one."""
        known = self._attended.get(reads)
        if known is None:
            known = self._attended[reads] = self._attend(reads.last(self.weights.config.history))
        return known

    def _attend(self, reads: ReadHistory) -> EncodedReads:
        forward = self.forward
        values_HP = forward.project(reads.vectors)
        known_HP = values_HP + forward.circumstance(reads)
        there_1H = np.ones((1, len(reads)), dtype=np.bool_)
        hidden_1HP = forward.hidden(known_HP, there_1H)
        ways = MaskedHistories(there_1H, reads.quantile.astype(np.float32)[None], reads.noise)
        alpha_1KH, pooled_1HP = forward.alpha(hidden_1HP, ways), forward.pooled(values_HP, hidden_1HP)
        return EncodedReads(
            reads, values_HP, known_HP, pooled_1HP, alpha_1KH, forward.interests(alpha_1KH, pooled_1HP)
        )
