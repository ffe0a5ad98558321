"""Image classification: handwritten digits by a small vision transformer, with damaged patches.

Data: the 1,797 digits of scikit-learn, enlarged to 16 × 16 pixels, in patches of 4 × 4.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from transformers import ViTConfig, ViTForImageClassification

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.calibration.training_loop import FitConfig
from recsys.experiments.attention_tasks.parts import scattered_mask, train
from recsys.training.calibration.model_task import Damaged, Examples, split

_SIZE, _PATCH = 16, 4
_SIDE = _SIZE // _PATCH
_DAMAGED = 4
_FIT = FitConfig(epochs=50, batch=32, learning_rate=1e-3)


class ImageModel:
    """Vision transformer with a class token before its patches."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: the class token, and the patches in rows."""
        config = self.network.config
        keys = 1 + (config.image_size // config.patch_size) ** 2
        present = torch.ones(len(batch["pixel_values"]), keys, dtype=torch.bool)
        inner = present.clone()
        inner[:, 0] = False
        return Inputs(present, inner)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002 - class token
        """Return the logits of the classes (B, C)."""
        logits: torch.Tensor = self.network(pixel_values=batch["pixel_values"]).logits
        return logits


class Digits:
    """Task of the digits, with a network trained on undamaged images."""

    trained_kinds = ("noise", "bright", "stripes", "patch of another image")
    held_out_kinds = ("grey", "checkerboard")

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        digits = load_digits()
        small = torch.from_numpy(digits.images / 8 - 1).float().unsqueeze(1)
        batch = {
            "pixel_values": torch.nn.functional.interpolate(small, size=(_SIZE, _SIZE), mode="bilinear"),
            "labels": torch.from_numpy(digits.target).long(),
        }
        learning, self.training, self.validation, self.test = split(batch, np.arange(len(digits.images)), rng)
        torch.manual_seed(seed)
        network = ViTForImageClassification(
            ViTConfig(
                hidden_size=64,
                num_hidden_layers=3,
                num_attention_heads=4,
                intermediate_size=128,
                image_size=_SIZE,
                patch_size=_PATCH,
                num_channels=1,
                num_labels=10,
                initializer_range=0.1,
            )
        )
        self.model = ImageModel(network)
        train(self.model, learning, lambda part, _: network(**part).loss, _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage four of the sixteen patches of every image."""
        pixels = examples.batch["pixel_values"].numpy().copy()
        count = len(pixels)
        mask = scattered_mask(np.ones((count, _SIDE**2), dtype=np.bool_), _DAMAGED, rng)
        large = np.kron(mask.reshape(count, _SIDE, _SIDE), np.ones((_PATCH, _PATCH), dtype=np.bool_))[:, None]
        damaged = np.where(large, _replacement(pixels, kind, rng), pixels).astype(np.float32)
        batch = {**examples.batch, "pixel_values": torch.from_numpy(damaged)}
        return Damaged(batch, np.pad(mask, ((0, 0), (1, 0))))

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return 1 where the class is right [n]."""
        return (outputs.argmax(dim=-1) == batch["labels"]).double().numpy()


def _replacement(pixels: NDArray[np.float32], kind: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return pixels of the kind of damage, for every place [n, 1, 16, 16]."""
    parity = np.arange(_SIZE) % 2
    patterns = {
        "bright": np.ones(1),
        "grey": np.zeros(1),
        "stripes": 2.0 * parity - 1,
        "checkerboard": 2.0 * (parity ^ parity[:, None]) - 1,
    }
    if kind == "noise":
        return rng.uniform(-1, 1, size=pixels.shape)
    if kind in patterns:
        return np.broadcast_to(patterns[kind], pixels.shape)
    return rng.permutation(pixels).astype(np.float64)
