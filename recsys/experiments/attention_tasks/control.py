"""Control: CartPole by a decision transformer, with corrupted observations.

Data: episodes of a linear controller in gymnasium's CartPole; a tenth of the executed actions is random. The
transformer sees position and angle of 20 steps, without velocities, so it needs its past, and imitates the
controller.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DecisionTransformerConfig, DecisionTransformerModel

from recsys.calibration.input_statistics import Inputs
from recsys.calibration.model_calibrator import Batch
from recsys.calibration.training_loop import FitConfig
from recsys.errors import ConfigError
from recsys.experiments.attention_tasks.parts import scattered_mask, train
from recsys.training.calibration.model_task import Damaged, Examples, split

_STEPS, _STATE, _ACTIONS = 20, 2, 2
_EPISODES, _LENGTH, _EVERY = 200, 200, 12
_GAIN = np.array([0.1, 0.3, 1.0, 0.6])
"""Controller: push to the right where the weighted sum of position, speed, angle and its speed is positive."""

_SCALE = np.array([0.1, 0.015])
"""Usual size of position (m) and angle (rad)."""

_RANDOM = 0.1
_DAMAGED = 5
_FIT = FitConfig(epochs=10, batch=64, learning_rate=1e-3)


class ControlModel:
    """Decision transformer: keys are (return, observation, action) of each step."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys: of each step, only the observation may be flagged."""
        present = torch.ones(len(batch["states"]), 3 * _STEPS, dtype=torch.bool)
        inner = torch.zeros_like(present)
        inner[:, 1::3] = True
        return Inputs(present, inner)

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002 - no pooling
        """Return the logits of the last action (B, 2)."""
        return self.logits(batch)[:, -1]

    def logits(self, batch: Batch) -> torch.Tensor:
        """Return the logits of the action of every step (B, 20, 2)."""
        count = len(batch["states"])
        steps = torch.arange(_STEPS).expand(count, -1)
        logits: torch.Tensor = self.network(
            states=batch["states"],
            actions=batch["actions"],
            rewards=None,
            returns_to_go=torch.ones(count, _STEPS, 1),
            timesteps=steps,
            attention_mask=torch.ones(count, _STEPS, dtype=torch.long),
        ).action_preds
        return logits


class CartPole:
    """Task of CartPole, with a decision transformer trained on undamaged observations."""

    trained_kinds = ("noise", "zero")
    held_out_kinds = ("another episode", "frozen", "sign flipped")

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        batch, group = _windows(seed, rng)
        learning, self.training, self.validation, self.test = split(batch, group, rng)
        torch.manual_seed(seed)
        network = DecisionTransformerModel(
            DecisionTransformerConfig(
                state_dim=_STATE,
                act_dim=_ACTIONS,
                hidden_size=64,
                n_layer=3,
                n_head=4,
                n_inner=128,
                max_ep_len=_STEPS,
                action_tanh=False,
            )
        )
        self.model = model = ControlModel(network)

        def loss(part: dict[str, torch.Tensor], _: torch.Tensor) -> torch.Tensor:
            logits_BSA = model.logits(part)
            return torch.nn.functional.cross_entropy(logits_BSA.flatten(0, 1), part["expert"].flatten())

        train(model, learning, loss, _FIT)

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Corrupt the observations of five of the twenty steps."""
        states = examples.batch["states"].numpy()
        mask = scattered_mask(np.ones(states.shape[:2], dtype=np.bool_), _DAMAGED, rng)
        damaged = np.where(mask[..., None], _corrupted(states, kind, rng), states).astype(np.float32)
        keys = np.zeros((len(states), 3 * _STEPS), dtype=np.bool_)
        keys[:, 1::3] = mask
        return Damaged({**examples.batch, "states": torch.from_numpy(damaged)}, keys)

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return 1 where the last action is that of the controller [n]."""
        return (outputs.argmax(dim=-1) == batch["expert"][:, -1]).double().numpy()


def _corrupted(states: NDArray[np.float32], kind: str, rng: np.random.Generator) -> NDArray[Any]:
    """Return observations of the kind of damage, for every step [n, 20, 2]."""
    if kind == "noise":
        return rng.normal(0, 2, size=states.shape)
    if kind == "zero":
        return np.zeros_like(states)
    if kind == "sign flipped":
        return -states
    if kind == "frozen":
        return np.broadcast_to(states[:, :1], states.shape)
    return rng.permutation(states)


def _windows(seed: int, rng: np.random.Generator) -> tuple[dict[str, torch.Tensor], NDArray[np.int64]]:
    """Return windows of 20 steps, and the episode of each.

    Raises:
        ConfigError: gymnasium is not installed.
    """
    try:
        from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
    except ImportError as error:
        raise ConfigError("CartPole needs gymnasium: pip install 'attune-feed[lab]'") from error
    world = CartPoleVectorEnv(num_envs=_EPISODES, max_episode_steps=_LENGTH + 1)
    seen_SE4, executed_SE, expert_SE, fallen_SE = [], [], [], []
    observed, _ = world.reset(seed=seed)
    for _ in range(_LENGTH):
        expert = (observed @ _GAIN > 0).astype(np.int64)
        random = rng.integers(_ACTIONS, size=_EPISODES)
        executed = np.where(rng.random(_EPISODES) < _RANDOM, random, expert)
        seen_SE4.append(observed)
        expert_SE.append(expert)
        executed_SE.append(executed)
        observed, _, terminated, truncated, _ = world.step(executed)
        fallen_SE.append(terminated | truncated)
    world.close()
    seen, executed_all, expert_all = np.stack(seen_SE4, 1), np.stack(executed_SE, 1), np.stack(expert_SE, 1)
    standing = ~np.maximum.accumulate(np.stack(fallen_SE, 1), axis=1)
    starts = np.arange(0, _LENGTH - _STEPS, _EVERY)
    episode, start = np.meshgrid(np.arange(_EPISODES), starts, indexing="ij")
    kept = standing[episode, start + _STEPS - 1]
    episode, start = episode[kept], start[kept]
    at = start[:, None] + np.arange(_STEPS)
    states = seen[episode[:, None], at][..., ::2] / _SCALE
    actions = np.eye(_ACTIONS)[executed_all[episode[:, None], at]]
    actions[:, -1] = 0.0  # not known yet
    return {
        "states": torch.from_numpy(states.astype(np.float32)),
        "actions": torch.from_numpy(actions.astype(np.float32)),
        "expert": torch.from_numpy(expert_all[episode[:, None], at]),
    }, episode.astype(np.int64)
