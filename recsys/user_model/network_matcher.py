"""Matcher that runs the preference network on single requests."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import Match, ReadHistory, mask_one_read, no_match
from recsys.user_model.network_weights import PreferenceWeights
from recsys.user_model.numpy_inference import Floats, Interests, MaskedHistories, NumpyNetwork


@dataclass(frozen=True, slots=True)
class EncodedReads:
    """Last reads of a history, encoded by the network.

    values: projected (H, P); known: with dwell and age added (H, P); pooled: the vectors that interests average
    (1, H, P); alpha: (1, K, H); interests: of one history.
    """

    reads: ReadHistory
    values: Floats
    known: Floats
    pooled: Floats
    alpha: Floats
    interests: Interests


class NetworkMatcher:
    """Matcher for one request at a time.

    The encoding of a history is cached as long as the history exists, because retrieval, ranking and explanation
    of one request all use it.
    """

    def __init__(self, weights: PreferenceWeights) -> None:
        self.weights = weights
        self.forward = NumpyNetwork(weights)
        self._cache: WeakKeyDictionary[ReadHistory, EncodedReads] = WeakKeyDictionary()
        self._last: tuple[ref[Floats], Floats] | None = None

    def __reduce__(self) -> tuple[type["NetworkMatcher"], tuple[PreferenceWeights]]:
        """Pickle the weights alone."""
        return NetworkMatcher, (self.weights,)

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """Implement `Matcher.match`; the attention is the weighted mean over interests."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        encoded = self.encoded(reads)
        scores_1N = self.forward.logits(encoded.interests, self._directions(candidates))
        attention = np.zeros(len(reads))
        shares_K = np.exp(encoded.interests.log_shares[0])
        attention[len(reads) - len(encoded.reads) :] = shares_K @ encoded.alpha[0]
        return Match(scores_1N[0].astype(np.float64), attention)

    def leave_one_out_scores(
        self,
        reads: ReadHistory,
        items: NDArray[np.intp],
        candidates: NDArray[np.float32],
        as_of: int,
    ) -> NDArray[np.float64]:
        """Implement `Matcher.leave_one_out_scores` in one pass, with one read masked per row."""
        if len(reads) <= 1 or not len(candidates):
            return np.zeros((len(items), len(candidates)))
        if len(reads) > self.weights.config.history:  # removing a read brings an older one into the window
            return mask_one_read(self, reads, items, candidates, as_of)
        encoded, forward = self.encoded(reads), self.forward
        present_MH = np.arange(len(reads)) != items[:, None]
        masked = MaskedHistories(
            present_MH, np.where(present_MH, reads.quantile, np.nan).astype(np.float32), reads.noise
        )
        hidden_MHP = forward.hidden(encoded.known, present_MH)
        routes_MHK = forward.routes(encoded.values, present_MH)
        alpha_MKH = forward.alpha(hidden_MHP, routes_MHK, masked)
        pooled_MHP = forward.pooled(encoded.values, hidden_MHP)
        interests = forward.interests(alpha_MKH, pooled_MHP, routes_MHK, present_MH)
        return forward.logits(interests, self._directions(candidates)).astype(np.float64)

    def with_evidence(
        self,
        scores: NDArray[np.float64],
        evidence: NDArray[np.float32],
        as_of: int,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Implement `Matcher.with_evidence`."""
        return self.forward.with_evidence(scores, evidence)

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Return queries in article space: the reads, weighted by the attention of each interest."""
        if not len(reads):
            return reads.vectors[:0]
        encoded = self.encoded(reads)
        queries = encoded.alpha[0] @ encoded.reads.vectors
        return np.asarray(
            queries / np.linalg.norm(queries, axis=1, keepdims=True).clip(min=1e-6), dtype=np.float32
        )

    def encoded(self, reads: ReadHistory) -> EncodedReads:
        """Encode the last `reads` within the network's window; at least one read."""
        cached = self._cache.get(reads)
        if cached is None:
            cached = self._cache[reads] = self._encode(reads.last(self.weights.config.history))
        return cached

    def _directions(self, candidates: Floats) -> Floats:
        """Return the directions of `candidates`; an explanation asks twice for those of one array."""
        if self._last is None or self._last[0]() is not candidates:
            self._last = ref(candidates), self.forward.directions(candidates)
        return self._last[1]

    def _encode(self, reads: ReadHistory) -> EncodedReads:
        forward = self.forward
        values_HP = forward.project(reads.vectors)
        known_HP = values_HP + forward.circumstance(reads)
        present_1H = np.ones((1, len(reads)), dtype=np.bool_)
        hidden_1HP = forward.hidden(known_HP, present_1H)
        masked = MaskedHistories(present_1H, reads.quantile.astype(np.float32)[None], reads.noise)
        routes_1HK = forward.routes(values_HP, present_1H)
        alpha_1KH = forward.alpha(hidden_1HP, routes_1HK, masked)
        pooled_1HP = forward.pooled(values_HP, hidden_1HP)
        interests = forward.interests(alpha_1KH, pooled_1HP, routes_1HK, present_1H)
        return EncodedReads(reads, values_HP, known_HP, pooled_1HP, alpha_1KH, interests)
