"""Which reads carried a score. Attention alone does not say so: beside it stand its gradient and a masking check.

"Attention is not explanation" (Jain and Wallace 2019): a large weight on a read that changes nothing explains
nothing. What a score loses without a read is the answer; the rest says how it came about.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.preference.match import Matcher, Reads
from recsys.preference.matcher import NetworkMatcher, history_batch
from recsys.preference.network import PreferenceNetwork


@dataclass(frozen=True, slots=True)
class Explanation:
    """n candidates matched with h reads.

    scores: [n]; attention: weight of each read [h], sums to 1; falls: what each score loses without each read
    [n, h]; gradients: attention × by how much the score grows with it [n, h], None without a network; importance:
    chance that the network gives each read to have been important, its dwell withheld [h], None without a network.
    """

    scores: NDArray[np.float64]
    attention: NDArray[np.float64]
    falls: NDArray[np.float64]
    gradients: NDArray[np.float64] | None
    importance: NDArray[np.float64] | None


def explain(matcher: Matcher, reads: Reads, candidates: NDArray[np.float32], as_of: int) -> Explanation:
    """Explain the scores of `candidates`, unit vectors [n, d]; h ≥ 1 and n ≥ 1."""
    match = matcher.match(reads, candidates, as_of)
    masked = [matcher.match(reads.without(item), candidates, as_of).scores for item in range(len(reads))]
    network = matcher.network if isinstance(matcher, NetworkMatcher) else None
    return Explanation(
        match.scores,
        match.attention,
        match.scores[:, None] - np.stack(masked, axis=1),
        gradients=None if network is None else attention_gradients(network, reads, candidates),
        importance=None if network is None else predicted_importance(network, reads),
    )


def attention_gradients(
    network: PreferenceNetwork, reads: Reads, candidates: NDArray[np.float32]
) -> NDArray[np.float64]:
    """α × ∂score/∂α, summed over interests [n, h]; 0 for reads older than the network looks at."""
    history = history_batch(reads, network.config.history)
    with torch.no_grad():
        seen = network.read(history)
        alpha_1KH = network.alpha(seen, history)
    alpha_1KH.requires_grad_()
    scores_1N = network.scores(network.pooled(seen, alpha_1KH), torch.from_numpy(candidates).unsqueeze(0))
    gradients = [torch.autograd.grad(score, alpha_1KH, retain_graph=True)[0] for score in scores_1N[0]]
    weighted_NH = (torch.cat(gradients) * alpha_1KH).sum(dim=1)
    return _of_all(weighted_NH.detach().double().numpy(), len(reads))


def predicted_importance(network: PreferenceNetwork, reads: Reads) -> NDArray[np.float64]:
    """Chance [h] that each read was important, from the article and the rest of the history alone.

    0 for reads older than the network looks at.
    """
    one = history_batch(reads, network.config.history)
    kept = int(one.mask.sum())
    copies = one.repeated(kept).without_dwell(torch.eye(kept, one.mask.shape[1], dtype=torch.bool))
    with torch.inference_mode():
        odds_HH = network.importance(network.read(copies))
    chance_1H: NDArray[np.float64] = odds_HH.diagonal().sigmoid().double().numpy()[None]
    return np.asarray(_of_all(chance_1H, len(reads))[0])


def _of_all(values_nH: NDArray[np.float64], reads: int) -> NDArray[np.float64]:
    """Columns of the last reads, as the network takes them, with zeros before for the older ones [n, h]."""
    kept = min(reads, values_nH.shape[1])
    out = np.zeros((len(values_nH), reads))
    out[:, reads - kept :] = values_nH[:, :kept]
    return out
