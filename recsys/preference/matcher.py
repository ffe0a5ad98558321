"""The preference network behind the `Matcher` seam, and its files."""

from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from recsys.errors import BundleError
from recsys.preference.match import Match, Reads, no_match, one_left_out
from recsys.preference.network import HistoryBatch, PreferenceConfig, PreferenceNetwork


@dataclass(frozen=True, slots=True)
class _Attended:
    """A history as the network took it in: projected reads (1, H, P), interests (1, K, P), and α (1, K, H)."""

    history: HistoryBatch
    values: torch.Tensor
    interests: torch.Tensor
    alpha: torch.Tensor


class NetworkMatcher:
    """Scores one request. Histories are padded to one fixed length: equal requests give bit-equal scores.

    What the network makes of a history is kept as long as the history is: retrieval, ranking and reasons of one
    request ask for it.
    """

    def __init__(self, network: PreferenceNetwork) -> None:
        self.network = network.eval()
        self._attended: WeakKeyDictionary[Reads, _Attended] = WeakKeyDictionary()

    def match(self, reads: Reads, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """See `Matcher.match`; the attention is the mean over interests."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        with torch.inference_mode():
            of = self._of(reads)
            scores_1N = self.network.scores(of.interests, torch.from_numpy(candidates).unsqueeze(0))
        kept = min(len(reads), self.network.config.history)
        attention = np.zeros(len(reads))
        attention[len(reads) - kept :] = of.alpha.mean(dim=1)[0, :kept].double().numpy()
        return Match(scores_1N[0].double().numpy(), attention)

    def without_each(
        self,
        reads: Reads,
        items: NDArray[np.intp],
        candidates: NDArray[np.float32],
        as_of: int,
    ) -> NDArray[np.float64]:
        """See `Matcher.without_each`: one pass over as many histories, each with one read masked."""
        kept = min(len(reads), self.network.config.history)
        if len(reads) == 1 or not len(candidates):
            return np.zeros((len(items), len(candidates)))
        if kept < len(reads):  # a read that moves out lets an older one move in
            return one_left_out(self, reads, items, candidates, as_of)
        with torch.inference_mode():
            of = self._of(reads)
            histories = of.history.repeated(len(items))
            mask = histories.mask.clone()
            mask[torch.arange(len(items)), torch.from_numpy(items)] = False
            quantile = histories.quantile.masked_fill(~mask, float("nan"))
            interests_MKP, _ = self.network.interests(
                replace(histories, mask=mask, quantile=quantile), of.values.expand(len(items), -1, -1)
            )
            shown_1NP = self.network.directions(torch.from_numpy(candidates).unsqueeze(0))
            scores_MN = self.network.logits(interests_MKP, shown_1NP.expand(len(items), -1, -1))
            return np.asarray(scores_MN.double().numpy())

    def interests(self, reads: Reads, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Queries in article space: the reads as each interest weighs them."""
        if not len(reads):
            return reads.vectors[:0]
        with torch.inference_mode():
            alpha_1KH = self._of(reads).alpha
        kept = reads.vectors[-self.network.config.history :]
        queries = alpha_1KH[0, :, : len(kept)].numpy() @ kept
        return np.asarray(
            queries / np.linalg.norm(queries, axis=1, keepdims=True).clip(min=1e-6), dtype=np.float32
        )

    def _of(self, reads: Reads) -> _Attended:
        known = self._attended.get(reads)
        if known is None:
            history = history_batch(reads, self.network.config.history)
            values_1HP = self.network.project(history.vectors)
            known = _Attended(history, values_1HP, *self.network.interests(history, values_1HP))
            self._attended[reads] = known
        return known


def history_batch(reads: Reads, length: int) -> HistoryBatch:
    """One history (B = 1) as networks take it, padded or cut to its last `length` reads."""
    return HistoryBatch(
        vectors=_padded(reads.vectors, length),
        seconds=_padded(reads.seconds, length),
        age=_padded(reads.age, length),
        quantile=_padded(reads.quantile, length, np.nan),
        noise=torch.tensor([reads.noise], dtype=torch.float32),
        mask=(torch.arange(length) < len(reads)).unsqueeze(0),
    )


def _padded(values: NDArray[np.floating], length: int, padding: float = 0.0) -> torch.Tensor:
    """The last `length` rows of `values` with padding behind, (1, length, …)."""
    kept = values[-length:]
    out = np.full((1, length, *values.shape[1:]), padding, dtype=np.float32)
    out[0, : len(kept)] = kept
    return torch.from_numpy(out)


def save_network(network: PreferenceNetwork, path: Path) -> None:
    """Write the weights as safetensors."""
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)


def load_network(path: Path, config: dict[str, object]) -> PreferenceNetwork:
    """Read what `save_network` wrote.

    Raises:
        BundleError: the weights cannot be read, or do not fit the configuration.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"preference network {path} cannot be read: {error}") from error
    try:
        network = PreferenceNetwork(PreferenceConfig(**config))  # type: ignore[arg-type]
        network.load_state_dict(weights)
    except (TypeError, RuntimeError) as error:
        raise BundleError(f"preference network {path} does not fit its configuration: {error}") from error
    return network
