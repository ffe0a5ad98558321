"""Explanation of a score by the reads behind it: attention, its gradient, and a leave-one-out check.

"Attention is not explanation" (Jain and Wallace 2019): a read can have a large weight and no effect. The effect is
the score that is lost without the read; attention and gradients show how it comes about.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import Matcher, ReadHistory
from recsys.user_model.network_matcher import NetworkMatcher


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explanation of n candidates matched with h reads.

    scores: [n]; attention: weight of each read [h], sums to 1; falls: loss of each score without each read [n, h];
    gradients: attention × ∂score/∂attention [n, h], None without a network; importance: predicted chance that each
    read was important, with its dwell hidden [h], None without a network.
    """

    scores: NDArray[np.float64]
    attention: NDArray[np.float64]
    falls: NDArray[np.float64]
    gradients: NDArray[np.float64] | None
    importance: NDArray[np.float64] | None


def explain(matcher: Matcher, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Explanation:
    """Explain the scores of `candidates`, unit vectors [n, d]; h ≥ 1 and n ≥ 1."""
    match = matcher.match(reads, candidates, as_of)
    masked = [matcher.match(reads.without(item), candidates, as_of).scores for item in range(len(reads))]
    network = matcher if isinstance(matcher, NetworkMatcher) else None
    return Explanation(
        match.scores,
        match.attention,
        match.scores[:, None] - np.stack(masked, axis=1),
        gradients=None if network is None else attention_gradients(network, reads, candidates),
        importance=None if network is None else predicted_importance(network, reads),
    )


def attention_gradients(
    matcher: NetworkMatcher, reads: ReadHistory, candidates: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return α × ∂score/∂α, summed over interests [n, h]; 0 for reads older than the network's window.

    With u_k = Σ_h α_kh p_h, i_k = u_k / |u_k|, z_kn = scale · i_k·c_n and score_n = logsumexp_k (z_kn + log w_k),

        ∂score_n/∂α_kh = softmax_k(z + log w)_kn · scale · (p_h·c_n − (i_k·c_n) (p_h·i_k)) / |u_k|
    """
    encoded, forward = matcher.encoded(reads), matcher.forward
    interest_KP, alpha_KH, pooled_HP = encoded.interests.vectors[0], encoded.alpha[0], encoded.pooled[0]
    shown_NP = forward.directions(candidates)
    z_KN = forward.cosines(encoded.interests.vectors, shown_NP)[0]
    logits_KN = z_KN + encoded.interests.log_shares[0][:, None]
    share_KN = np.exp(logits_KN - logits_KN.max(axis=0))
    share_KN /= share_KN.sum(axis=0)
    length_K = np.linalg.norm(alpha_KH @ pooled_HP, axis=1)
    along_KH, toward_NH = interest_KP @ pooled_HP.T, forward.cosines(pooled_HP[None], shown_NP)[0].T
    gradient_KNH = (toward_NH - z_KN[..., None] * along_KH[:, None]) / length_K[:, None, None]
    weighted_KNH = alpha_KH[:, None] * share_KN[..., None] * gradient_KNH
    return _pad_older_reads(weighted_KNH.sum(axis=0), len(reads))


def predicted_importance(matcher: NetworkMatcher, reads: ReadHistory) -> NDArray[np.float64]:
    """Return the chance [h] that each read was important, given its article and the other reads but not its dwell.

    0 for reads older than the network's window.
    """
    encoded, forward = matcher.encoded(reads), matcher.forward
    without_dwell = replace(encoded.reads, seconds=np.full(len(encoded.reads), np.nan))
    own_HH1 = np.eye(len(encoded.reads), dtype=np.bool_)[..., None]
    known_HHP = np.where(own_HH1, encoded.values + forward.circumstance(without_dwell), encoded.known)
    odds_HH = forward.importance(forward.hidden(known_HHP, np.ones(known_HHP.shape[:2], dtype=np.bool_)))
    chance_1H = 1 / (1 + np.exp(-odds_HH.diagonal().astype(np.float64)))[None]
    return np.asarray(_pad_older_reads(chance_1H, len(reads))[0])


def _pad_older_reads(values_nH: NDArray[np.floating], reads: int) -> NDArray[np.float64]:
    """Pad the columns of the network's window with zeros for the older reads [n, h]."""
    window = values_nH.shape[1]
    out = np.zeros((len(values_nH), reads))
    out[:, reads - window :] = values_nH
    return out
