"""File of a trained digest: the network and the worth of words, in one safetensors file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recsys.digest.digest_network import DigestConfig, DigestNetwork, restored
from recsys.digest.word_worth import WORD_FEATURES, WordWorth
from recsys.errors import BundleError

SHIPPED = Path(__file__).with_name("minutes.safetensors")
"""Weights that come with Attune, trained on QMSum: decision 31."""


@dataclass(frozen=True, slots=True)
class DigestWeights:
    """Trained digest. encoder: the setting `encoder` that it was trained with."""

    network: DigestNetwork
    worth: WordWorth
    encoder: str


def save_weights(weights: DigestWeights, path: Path) -> None:
    """Write the weights as float32."""
    arrays = {f"network.{name}": tensor.numpy() for name, tensor in weights.network.state_dict().items()}
    arrays["worth.weights"] = weights.worth.weights.astype(np.float32)
    arrays["worth.bias"] = np.asarray([weights.worth.bias], dtype=np.float32)
    about = {"encoder": weights.encoder, "config": json.dumps(asdict(weights.network.config), sort_keys=True)}
    save_file(arrays, path, metadata=about)


def load_weights(path: Path) -> DigestWeights:
    """Load weights written by `save_weights`.

    Raises:
        BundleError: the file cannot be read, or is not of this version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays: dict[str, NDArray[np.float32]] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about: Mapping[str, str] = file.metadata() or {}
        config = DigestConfig(**json.loads(about["config"]))
        bias, weights = arrays.pop("worth.bias"), arrays.pop("worth.weights")
        network = restored(config, {name.removeprefix("network."): array for name, array in arrays.items()})
        encoder = about["encoder"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(
            f"the weights of the digest in {path} cannot be used: {error}; "
            "write them again with attune minutes train"
        ) from error
    if weights.shape != (len(WORD_FEATURES),):
        raise BundleError(f"the weights of the digest in {path} are of another version: train again")
    return DigestWeights(network, WordWorth(weights.astype(np.float64), float(bias[0])), encoder)
