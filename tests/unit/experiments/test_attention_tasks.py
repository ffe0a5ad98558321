import numpy as np
import pytest
import torch

from recsys.errors import ConfigError
from recsys.experiments.attention_tasks.catalogue import TASKS, run_tasks
from recsys.experiments.attention_tasks.control import CartPole
from recsys.experiments.attention_tasks.digits import Digits
from recsys.experiments.attention_tasks.parts import bursts_mask, scattered_mask
from recsys.experiments.attention_tasks.speech import SpokenWords
from recsys.training.calibration.model_task import Examples, split

_GROUP = np.arange(6)


def made(task: type, **batch: torch.Tensor) -> tuple[object, Examples]:
    """The task without its training, which damage does not need."""
    return task.__new__(task), Examples(batch, _GROUP)


@pytest.mark.parametrize("kind", [*Digits.trained_kinds, *Digits.held_out_kinds])
def test_only_marked_patches_are_damaged(kind: str) -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).random((6, 1, 16, 16))).float() * 0.3 + 0.2
    task, examples = made(Digits, pixel_values=pixels)
    found = task.damage(examples, kind, np.random.default_rng(1))
    patches = (found.batch["pixel_values"] != pixels).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).any(dim=-1)
    changed = patches.flatten(1).numpy()
    assert not (changed & ~found.mask[:, 1:]).any()
    assert (found.mask.sum(axis=1) == 4).all()
    assert not found.mask[:, 0].any()


@pytest.mark.parametrize("kind", [*SpokenWords.trained_kinds, *SpokenWords.held_out_kinds])
def test_only_marked_frames_are_damaged(kind: str) -> None:
    frames = torch.from_numpy(np.random.default_rng(0).random((6, 40, 80))).float()
    task, examples = made(SpokenWords, input_features=frames)
    found = task.damage(examples, kind, np.random.default_rng(1))
    changed = (found.batch["input_features"] != frames).any(dim=1).unfold(1, 2, 2).any(dim=-1).numpy()
    np.testing.assert_array_equal(changed, found.mask)


@pytest.mark.parametrize("kind", [*CartPole.trained_kinds, *CartPole.held_out_kinds])
def test_only_marked_observations_are_damaged(kind: str) -> None:
    states = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 20, 2))).float()
    task, examples = made(CartPole, states=states)
    found = task.damage(examples, kind, np.random.default_rng(1))
    changed = (found.batch["states"] != states).any(dim=-1).numpy()
    assert not (changed & ~found.mask[:, 1::3]).any()
    assert (found.mask.sum(axis=1) == 5).all()
    assert not found.mask[:, ::3].any()


def test_masks_have_their_counts_and_stay_where_allowed() -> None:
    rng = np.random.default_rng(0)
    allowed = rng.random((50, 12)) < 0.7
    found = scattered_mask(allowed, 4, rng)
    assert (found.sum(axis=1) == np.minimum(allowed.sum(axis=1), 4)).all()
    assert not (found & ~allowed).any()
    bursts = bursts_mask(50, 40, bursts=4, run=3, rng=rng).sum(axis=1)
    assert bursts.min() >= 3
    assert bursts.max() <= 12


def test_a_split_keeps_every_source_in_one_part() -> None:
    group = np.repeat(np.arange(100), 3)
    parts = split({"row": torch.arange(300)}, group, np.random.default_rng(0))
    assert sorted(np.concatenate([part.batch["row"].numpy() for part in parts])) == list(range(300))
    assert sum(len(set(part.group.tolist())) for part in parts) == 100


def test_a_task_that_cannot_run_names_the_fix() -> None:
    with pytest.raises(ConfigError, match=", ".join(TASKS)):
        run_tasks(["chess"], 1, {}, lambda *_: None)
    with pytest.raises(ConfigError, match="--headlines FILE"):
        run_tasks(["headlines"], 1, {}, lambda *_: None)
    with pytest.raises(ConfigError, match=r"--meetings FILE.*QMSum"):
        run_tasks(["summaries"], 1, {"summaries": None}, lambda *_: None)
