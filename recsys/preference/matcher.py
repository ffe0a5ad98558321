"""The preference network behind the `Matcher` seam, and its files."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from recsys.errors import BundleError
from recsys.preference.match import Match, Reads, no_match
from recsys.preference.network import PreferenceConfig, PreferenceNetwork


class NetworkMatcher:
    """Scores one request. Histories are padded to one fixed length: equal requests give bit-equal scores."""

    def __init__(self, network: PreferenceNetwork) -> None:
        self.network = network.eval()

    def match(self, reads: Reads, candidates: NDArray[np.float32], as_of: int) -> Match:  # noqa: ARG002
        """See `Matcher.match`; the attention is the mean over interests."""
        if not len(reads) or not len(candidates):
            return no_match(reads, candidates)
        with torch.inference_mode():
            interests_1KP, alpha_1KH = self._interests(reads)
            scores_1N = self.network.scores(interests_1KP, torch.from_numpy(candidates).unsqueeze(0))
        kept = min(len(reads), self.network.config.history)
        attention = np.zeros(len(reads))
        attention[len(reads) - kept :] = alpha_1KH.mean(dim=1)[0, :kept].double().numpy()
        return Match(scores_1N[0].double().numpy(), attention)

    def interests(self, reads: Reads, as_of: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Queries in article space: the reads as each interest weighs them."""
        if not len(reads):
            return reads.vectors[:0]
        with torch.inference_mode():
            _, alpha_1KH = self._interests(reads)
        kept = reads.vectors[-self.network.config.history :]
        queries = alpha_1KH[0, :, : len(kept)].numpy() @ kept
        return np.asarray(
            queries / np.linalg.norm(queries, axis=1, keepdims=True).clip(min=1e-6), dtype=np.float32
        )

    def _interests(self, reads: Reads) -> tuple[torch.Tensor, torch.Tensor]:
        length = self.network.config.history
        return self.network.interests(
            torch.from_numpy(padded(reads.vectors, length)).unsqueeze(0),
            torch.from_numpy(padded(reads.seconds.astype(np.float32), length)).unsqueeze(0),
            torch.from_numpy(padded(reads.age.astype(np.float32), length)).unsqueeze(0),
            (torch.arange(length) < len(reads)).unsqueeze(0),
        )


def padded(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The last `length` rows of `values`, with zeros behind."""
    kept = values[-length:]
    out = np.zeros((length, *values.shape[1:]), dtype=np.float32)
    out[: len(kept)] = kept
    return out


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
