"""Checkpoint of an adaptation: one safetensors file with weights, optimizer state and figures."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]


@dataclass(slots=True)
class AdaptationState:
    """State after `step` steps. weights, best: of the trained layers; optimizer: state by parameter.

    base_values, best_values: validation figures of the base and of `best`, float64 [m]; best_step: the step of
    `best`, 0 for the base; stale: validations since `best`; finished: True when training has ended.
    """

    weights: Tensors
    best: Tensors
    optimizer: Tensors
    base_values: torch.Tensor
    best_values: torch.Tensor
    step: int = 0
    best_step: int = 0
    stale: int = 0
    finished: bool = False

    def save(self, file: Path, digest: str) -> None:
        """Write the file; a reader sees the old or the new one, never a part."""
        groups = {"weights": self.weights, "best": self.best, "optimizer": self.optimizer}
        tensors = {f"{kind}/{name}": value for kind, group in groups.items() for name, value in group.items()}
        tensors |= {"values/base": self.base_values, "values/best": self.best_values}
        counts = {"step": self.step, "best_step": self.best_step, "stale": self.stale, "finished": self.finished}
        partial = file.with_suffix(".partial")
        clean = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        save_file(clean, partial, metadata={"digest": digest, "counts": json.dumps(counts)})
        partial.replace(file)


def load_state(file: Path, digest: str) -> AdaptationState | None:
    """Return the state in `file`, or None if there is none, or one of other data or options."""
    if not file.is_file():
        return None
    groups: dict[str, Tensors] = {"weights": {}, "best": {}, "optimizer": {}, "values": {}}
    with safe_open(file, framework="pt") as found:
        metadata = found.metadata() or {}
        if metadata.get("digest") != digest:
            return None
        for key in found.keys():  # noqa: SIM118 - not a dict
            group, _, name = key.partition("/")
            groups[group][name] = found.get_tensor(key)
    return AdaptationState(
        weights=groups["weights"],
        best=groups["best"],
        optimizer=groups["optimizer"],
        base_values=groups["values"]["base"],
        best_values=groups["values"]["best"],
        **json.loads(metadata["counts"]),
    )
