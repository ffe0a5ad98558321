"""Scenes of digits: their truth, their damage, and the metric of a detection."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from recsys.experiments.attention_tasks.scenes import NOTHING, Scenes, overlap, scenes
from recsys.training.calibration.model_task import Examples


@pytest.fixture
def examples() -> Examples:
    digits = np.random.default_rng(0).permutation(60)
    return scenes(digits, np.repeat(np.arange(10), 4), np.random.default_rng(1))


def perfect(examples: Examples) -> torch.Tensor:
    """Outputs of a network that is right about every digit."""
    logits = torch.nn.functional.one_hot(examples.batch["labels"], NOTHING + 1).float()
    return torch.cat([logits, examples.batch["boxes"]], dim=-1)


def test_a_box_holds_the_pixels_of_its_digit(examples: Examples) -> None:
    images = load_digits().images / 8 - 1
    targets = load_digits().target
    batch = {name: values.numpy() for name, values in examples.batch.items()}
    found = 0
    for scene, quarter in np.argwhere(batch["labels"] != NOTHING):
        x, y, width, height = np.round(24 * batch["boxes"][scene, quarter]).astype(int)
        left, top = x - width // 2, y - height // 2
        pixels = batch["pixel_values"][scene, 0, top : top + height, left : left + width]
        same = np.isclose(images, pixels, atol=1e-6).all(axis=(1, 2))
        assert targets[same].tolist() == [batch["labels"][scene, quarter]]
        found += 1
    assert set((batch["labels"] != NOTHING).sum(axis=1)) == {1, 2, 3}
    empty = np.isclose(batch["pixel_values"], -1).sum()
    assert empty >= batch["pixel_values"].size - 64 * found


@pytest.mark.parametrize("kind", [*Scenes.trained_kinds, *Scenes.held_out_kinds])
def test_only_marked_patches_of_a_scene_are_damaged(kind: str, examples: Examples) -> None:
    pixels = examples.batch["pixel_values"]
    found = Scenes.__new__(Scenes).damage(examples, kind, np.random.default_rng(1))
    patches = (found.batch["pixel_values"] != pixels).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).any(dim=-1)
    assert not (patches.flatten(1).numpy() & ~found.mask[:, 1:-4]).any()
    assert (found.mask.sum(axis=1) == 8).all()
    assert not found.mask[:, 0].any()
    assert not found.mask[:, -4:].any()
    assert torch.equal(found.batch["labels"], examples.batch["labels"])


def test_a_detection_needs_the_class_and_half_of_the_box(examples: Examples) -> None:
    task = Scenes.__new__(Scenes)
    outputs = perfect(examples)
    assert (task.score(outputs, examples.batch) == 1).all()
    shifted = outputs.clone()
    shifted[..., -4] += 0.4 * 8 / 24  # 6 tenths in common of 14 in both
    assert (task.score(shifted, examples.batch) == 0).all()
    everywhere = outputs.clone()
    everywhere[..., NOTHING] = -1.0
    digits = (examples.batch["labels"] != NOTHING).sum(dim=1).double().numpy()
    np.testing.assert_allclose(task.score(everywhere, examples.batch), 2 * digits / (4 + digits))


def test_overlap_is_the_intersection_over_the_union() -> None:
    box = torch.tensor([0.5, 0.5, 0.2, 0.2])
    others = torch.tensor([[0.5, 0.5, 0.2, 0.2], [0.6, 0.5, 0.2, 0.2], [0.9, 0.9, 0.2, 0.2]])
    torch.testing.assert_close(overlap(box.expand(3, 4), others), torch.tensor([1.0, 1 / 3, 0.0]))
