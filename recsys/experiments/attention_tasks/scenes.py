"""Detection: scenes of one to three handwritten digits by a small YOLOS, with damaged patches.

Data: the 1,797 digits of scikit-learn, 8 × 8 pixels each, on canvases of 24 × 24 pixels in patches of 4 × 4. Each
quarter of a canvas has at most one digit, and one detection token is responsible for each quarter, as cells are in
YOLO (Redmon et al. 2016), so that the network learns in seconds without matching.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from transformers import YolosConfig, YolosForObjectDetection

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.calibration.training_loop import FitConfig
from recsys.experiments.attention_tasks.parts import scattered_mask, train
from recsys.training.calibration.model_task import Damaged, Examples, split

_SIZE, _PATCH, _DIGIT = 24, 4, 8
_SIDE, _QUARTER = _SIZE // _PATCH, _SIZE // 2
_QUARTERS, _MOST_DIGITS = 4, 3
NOTHING = 10
"""Class of a quarter without a digit."""

_LEARNING, _FAMILY, _SCENES = 6_000, 6, (6, 10, 5)
"""Scenes that train the network; digits of a family in the other parts, and scenes of each family: to train the
detector, choose the gate, and test.
"""

_DAMAGED = 8
_OVERLAP = 0.5
"""Smallest intersection over union of a box that is found."""

_BOX_LOSS = 2.0
_FIT = FitConfig(epochs=6, batch=32, learning_rate=2e-3)


class DetectionModel:
    """Vision transformer with a class token before its patches, and detection tokens behind them."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: the class token, the patches in rows, and the detection tokens."""
        keys = 1 + _SIDE**2 + _QUARTERS
        present = torch.ones(len(batch["pixel_values"]), keys, dtype=torch.bool)
        inner = torch.zeros_like(present)
        inner[:, 1:-_QUARTERS] = True
        return Inputs(present, inner)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002 - no pooling
        """Return the logits of the classes and the box of each quarter (B, 4, 11 + 4)."""
        found = self.network(pixel_values=batch["pixel_values"])
        return torch.cat([found.logits, found.pred_boxes], dim=-1)


class Scenes:
    """Task of the scenes, with a network trained on undamaged ones."""

    trained_kinds = ("noise", "occluded", "patch of another scene")
    held_out_kinds = ("glare", "stripes")

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        everything = np.arange(len(load_digits().target))
        parts = [part.group for part in split({}, everything, rng)]
        learning = scenes(parts[0], np.zeros(_LEARNING, dtype=np.int64), rng)
        self.training, self.validation, self.test = (
            scenes(part, np.repeat(np.arange(len(part) // _FAMILY), each), rng)
            for part, each in zip(parts[1:], _SCENES, strict=True)
        )
        torch.manual_seed(seed)
        network = YolosForObjectDetection(
            YolosConfig(
                hidden_size=64,
                num_hidden_layers=3,
                num_attention_heads=4,
                intermediate_size=128,
                image_size=[_SIZE, _SIZE],
                patch_size=_PATCH,
                num_channels=1,
                num_labels=NOTHING,
                num_detection_tokens=_QUARTERS,
                use_mid_position_embeddings=False,
                initializer_range=0.1,
            )
        )
        self.model = model = DetectionModel(network)
        train(model, learning, lambda part, _: _loss(model.outputs(part, None), part), _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage eight of the thirty-six patches of every scene."""
        pixels = examples.batch["pixel_values"].numpy()
        mask = scattered_mask(np.ones((len(pixels), _SIDE**2), dtype=np.bool_), _DAMAGED, rng)
        patches = _patches(pixels)
        damaged = np.where(mask[..., None], _replacement(patches, kind, rng), patches)
        batch = {**examples.batch, "pixel_values": torch.from_numpy(_joined(damaged).astype(np.float32))}
        return Damaged(batch, np.pad(mask, ((0, 0), (1, _QUARTERS))))

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return the F1 of the digits of each scene [n]: the right class, and boxes that overlap by half."""
        classes_BQ, boxes_BQ4 = outputs[..., : NOTHING + 1].argmax(dim=-1), outputs[..., NOTHING + 1 :]
        truth_BQ = batch["labels"]
        right_BQ = (classes_BQ == truth_BQ) & (truth_BQ != NOTHING)
        right_BQ &= overlap(boxes_BQ4, batch["boxes"]) >= _OVERLAP
        counted_B = (classes_BQ != NOTHING).sum(dim=1) + (truth_BQ != NOTHING).sum(dim=1)
        return (2 * right_BQ.sum(dim=1) / counted_B).double().numpy()


def scenes(digits: NDArray[np.int64], family: NDArray[np.int64], rng: np.random.Generator) -> Examples:
    """Return a scene for each of `family` [n], of one to three digits that no other family has.

    digits: rows of scikit-learn's digits, dealt to the families in this order.
    """
    data, count = load_digits(), len(family)
    size = len(digits) // (int(family.max()) + 1)
    taken_NQ = scattered_mask(
        np.ones((count, _QUARTERS), dtype=np.bool_), rng.integers(1, _MOST_DIGITS + 1, size=count), rng
    )
    order_NQ = rng.random((count, size)).argsort(axis=1)[:, :_QUARTERS]  # no digit is twice in a scene
    digit_NQ = digits[family[:, None] * size + order_NQ]
    places = (_QUARTER - _DIGIT) // _PATCH + 1
    corner_NQ2 = _PATCH * rng.integers(places, size=(count, _QUARTERS, 2))
    corner_NQ2 += _QUARTER * np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    pixels = np.full((count, 1, _SIZE, _SIZE), -1.0, dtype=np.float32)
    inside = np.arange(_DIGIT)
    for quarter in range(_QUARTERS):
        rows = np.flatnonzero(taken_NQ[:, quarter])
        top, left = corner_NQ2[rows, quarter].T
        pixels[rows[:, None, None], 0, (top[:, None] + inside)[..., None], (left[:, None] + inside)[:, None]] = (
            data.images[digit_NQ[rows, quarter]] / 8 - 1
        )
    centre_NQ2 = (corner_NQ2[..., ::-1] + _DIGIT / 2) / _SIZE
    boxes = np.concatenate([centre_NQ2, np.full_like(centre_NQ2, _DIGIT / _SIZE)], axis=-1)
    batch = {
        "pixel_values": torch.from_numpy(pixels),
        "labels": torch.from_numpy(np.where(taken_NQ, data.target[digit_NQ], NOTHING)),
        "boxes": torch.from_numpy(boxes.astype(np.float32)),
    }
    return Examples(batch, family)


def overlap(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the intersection over union of boxes (…, 4): centre, width and height."""
    (low_a, high_a), (low_b, high_b) = (
        (each[..., :2] - each[..., 2:] / 2, each[..., :2] + each[..., 2:] / 2) for each in (first, second)
    )
    common = (torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)).clamp(min=0).prod(dim=-1)
    return common / (first[..., 2:].prod(dim=-1) + second[..., 2:].prod(dim=-1) - common)


def _loss(outputs_BQX: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the cross-entropy of the classes, and the distance of the boxes where there is a digit."""
    logits_BQC, boxes_BQ4 = outputs_BQX[..., : NOTHING + 1], outputs_BQX[..., NOTHING + 1 :]
    away_BQ = (boxes_BQ4 - batch["boxes"]).abs().mean(dim=-1)
    classes = torch.nn.functional.cross_entropy(logits_BQC.flatten(0, 1), batch["labels"].flatten())
    return classes + _BOX_LOSS * away_BQ[batch["labels"] != NOTHING].mean()


def _patches(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the patches in rows [n, 36, 16]."""
    parts = pixels.reshape(len(pixels), _SIDE, _PATCH, _SIDE, _PATCH).swapaxes(2, 3)
    return parts.reshape(len(pixels), _SIDE**2, _PATCH**2)


def _joined(patches: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels of patches in rows [n, 1, 24, 24]."""
    parts = patches.reshape(len(patches), _SIDE, _SIDE, _PATCH, _PATCH).swapaxes(2, 3)
    return parts.reshape(len(patches), 1, _SIZE, _SIZE)


def _replacement(patches: NDArray[np.float32], kind: str, rng: np.random.Generator) -> NDArray[Any]:
    """Return patches of the kind of damage, for every place [n, 36, 16]."""
    patterns = {
        "occluded": np.zeros(1),
        "glare": np.ones(1),
        "stripes": np.tile(2.0 * (np.arange(_PATCH) % 2) - 1, _PATCH),
    }
    if kind == "noise":
        return rng.uniform(-1, 1, size=patches.shape)
    if kind in patterns:
        return np.broadcast_to(patterns[kind], patches.shape)
    # an empty patch of another scene would seldom change anything
    inked = patches.reshape(-1, _PATCH**2)
    inked = inked[inked.max(axis=1) > 0]
    return np.asarray(inked[rng.integers(len(inked), size=patches.shape[:2])])
