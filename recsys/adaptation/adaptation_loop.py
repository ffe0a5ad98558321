"""Training loop of an adaptation: resumable, with early stopping on the validation.

Everything random in a step follows from the seed and the step's number, and a resumed run goes through the same
code as one that was never stopped. So both end with the same weights, bit for bit, on the same machine's CPU.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.adaptation.adaptation_checkpoint import AdaptationState, Tensors, load_state
from recsys.adaptation.adaptation_validation import Validation, choosing_half
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.trunk_cache import TrunkCache
from recsys.evaluation import metrics
from recsys.training.training_run import Progress

CHECKPOINT = "checkpoint.safetensors"

_LEARNING_RATE = 2e-5
_WARM_UP = 20
_STEPS_PER_SAVE = 10
_STEPS_PER_VALIDATION = 25
_PATIENCE = 3
_MAX_NORM = 1.0


class StepLoss(Protocol):
    """Loss of one step."""

    def __call__(self, top: TopLayers, step: int) -> torch.Tensor:
        """Return the loss of the batch of `step`."""
        ...


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """Plan of a run. steps: at most; digest: of data and options, so that only its own checkpoint is resumed."""

    steps: int
    seed: int
    folder: Path
    digest: str


def fit_top_layers(
    top: TopLayers, cache: TrunkCache, loss: StepLoss, validation: Validation, plan: LoopPlan, progress: Progress
) -> AdaptationState:
    """Train `top`, and leave it with the best weights; go on from the checkpoint in the plan's folder, if any."""
    file = plan.folder / CHECKPOINT
    optimizer = torch.optim.AdamW(top.parameters(), lr=_LEARNING_RATE, weight_decay=0.0)
    state = load_state(file, plan.digest)
    if state is None:
        values = torch.from_numpy(validation.values(top, cache))
        weights = _copy(top.weights())
        state = AdaptationState(weights, weights, {}, base_values=values, best_values=values)
        state.save(file, plan.digest)
    _load_weights(top, state.weights)
    _load_optimizer(optimizer, top, state.optimizer)
    choosing = choosing_half(validation.groups, plan.seed)
    while not state.finished:
        _take_step(top, optimizer, loss, plan, state.step)
        state.step += 1
        if state.step % _STEPS_PER_VALIDATION == 0 or state.step >= plan.steps:
            _validate(state, top.weights(), validation.values(top, cache), choosing)
            state.finished = state.step >= plan.steps or state.stale >= _PATIENCE
        if state.finished or state.step % _STEPS_PER_SAVE == 0:
            state.weights, state.optimizer = top.weights(), _optimizer_state(optimizer, top)
            state.save(file, plan.digest)
        figure = metrics.mean(state.best_values.numpy()[choosing])
        progress(f"adaptation: {validation.figure} {figure:.4f}", state.step, plan.steps)
    _load_weights(top, state.best)
    return state


def learning_rate(step: int, steps: int) -> float:
    """Return the learning rate of a step: it rises over the first steps, then falls to 0 by a cosine."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    return _LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _take_step(top: TopLayers, optimizer: torch.optim.AdamW, loss: StepLoss, plan: LoopPlan, step: int) -> None:
    torch.manual_seed(int(np.random.default_rng([plan.seed, step, 1]).integers(2**62)))  # of the dropout
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, plan.steps)
    top.train()
    optimizer.zero_grad(set_to_none=True)
    loss(top, step).backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(top.parameters(), _MAX_NORM)
    optimizer.step()


def _validate(
    state: AdaptationState, weights: Tensors, values: NDArray[np.float64], choosing: NDArray[np.bool_]
) -> None:
    """Keep `weights` if their `values` [m] are the best so far on the half that chooses."""
    state.stale += 1
    if metrics.mean(values[choosing]) > metrics.mean(state.best_values.numpy()[choosing]):
        state.best, state.best_values = _copy(weights), torch.from_numpy(values)
        state.best_step, state.stale = state.step, 0


def _copy(weights: Tensors) -> Tensors:
    return {name: value.detach().cpu().clone() for name, value in weights.items()}


def _load_weights(top: TopLayers, weights: Tensors) -> None:
    with torch.no_grad():
        for name, value in top.weights().items():
            value.copy_(weights[name])


def _optimizer_state(optimizer: torch.optim.AdamW, top: TopLayers) -> Tensors:
    return {
        f"{name}/{part}": torch.as_tensor(value)
        for name, weight in top.weights().items()
        for part, value in optimizer.state[weight].items()
    }


def _load_optimizer(optimizer: torch.optim.AdamW, top: TopLayers, saved: Tensors) -> None:
    weights = top.weights()
    for key, value in saved.items():
        name, _, part = key.rpartition("/")
        weight = weights[name]
        optimizer.state[weight][part] = value if part == "step" else value.to(weight.device)
