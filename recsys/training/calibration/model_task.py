"""Protocol of a task: data, damage and metric, for the calibration of any transformers model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.model_calibrator import AttentionModel, Batch, rows_of


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples with their truth.

    batch: arguments of the model and of the metric, by name; group: examples of one source (an image, a meeting)
    have one number [n], because they are not independent.
    """

    batch: Batch
    group: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.group)

    def __getitem__(self, rows: NDArray[np.int64]) -> "Examples":
        """Return some examples."""
        return Examples(rows_of(self.batch, torch.from_numpy(rows)), self.group[rows])


@dataclass(frozen=True, slots=True)
class Damaged:
    """Damaged examples, and the mask of damaged keys [n, T]."""

    batch: Batch
    mask: NDArray[np.bool_]


class ModelTask(Protocol):
    """A trained model with data. No source of examples is in two of its parts."""

    @property
    def model(self) -> AttentionModel:
        """Return the model."""
        ...

    @property
    def training(self) -> Examples:
        """Return the examples to fit the detector."""
        ...

    @property
    def validation(self) -> Examples:
        """Return the examples to choose the gate."""
        ...

    @property
    def test(self) -> Examples:
        """Return the examples to report."""
        ...

    @property
    def trained_kinds(self) -> Sequence[str]:
        """Return the kinds of damage that train the detector, and that choose the gate."""
        ...

    @property
    def held_out_kinds(self) -> Sequence[str]:
        """Return the kinds of damage that only the test has."""
        ...

    def damage(self, examples: Examples, kind: str, rng: np.random.Generator) -> Damaged:
        """Damage every example; the number of keys may grow."""
        ...

    def score(self, outputs: torch.Tensor, batch: Batch) -> NDArray[np.float64]:
        """Return the metric of each example in [0, 1], more is better [n]."""
        ...


BATCH = 64
"""Examples of one forward pass."""


def chunks(count: int) -> list[NDArray[np.int64]]:
    """Return the rows 0 … count − 1 in batches."""
    return [np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]


def mixed_damage(
    task: ModelTask, examples: Examples, kinds: Sequence[str], rng: np.random.Generator
) -> list[tuple[Examples, Damaged]]:
    """Damage every example by one of `kinds`, drawn evenly, in parts of one kind each: undamaged, and damaged."""
    drawn = rng.permutation(np.arange(len(examples)) % len(kinds))
    parts = []
    for number, kind in enumerate(kinds):
        rows = np.flatnonzero(drawn == number)
        if len(rows):
            chosen = examples[rows]
            parts.append((chosen, task.damage(chosen, kind, rng)))
    return parts


SPLIT = (0.45, 0.2, 0.15, 0.2)
"""Shares of the sources that train the network, train the detector, choose the gate, and test."""


def split(
    batch: Batch, group: NDArray[np.int64], rng: np.random.Generator, shares: Sequence[float] = SPLIT
) -> list[Examples]:
    """Split examples by their source: to train the network, train the detector, choose the gate, and test."""
    sources = rng.permutation(np.unique(group))
    bounds = np.round(np.cumsum(shares)[:-1] * len(sources)).astype(np.int64)
    everything = Examples(batch, group)
    return [everything[np.flatnonzero(np.isin(group, part))] for part in np.split(sources, bounds)]
