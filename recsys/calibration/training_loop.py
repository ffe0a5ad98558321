"""Training loop (minibatches, Adam, a seed) and conformal limit, shared by the detectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True, slots=True)
class FitConfig:
    """Training settings of a detector."""

    epochs: int = 30
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    seed: int = 7


def minimise(
    network: nn.Module, rows: int, loss_of: Callable[[torch.Tensor], torch.Tensor], config: FitConfig
) -> list[float]:
    """Train `network` in place, and return the mean loss by epoch.

    `loss_of` returns the mean loss of a batch of row numbers.
    """
    order = torch.Generator().manual_seed(config.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    network.train()
    history = []
    for _ in range(config.epochs):
        losses = []
        shuffled = torch.randperm(rows, generator=order)
        for start in range(0, rows, config.batch):
            batch = shuffled[start : start + config.batch]
            loss = loss_of(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / max(len(losses), 1))
    network.eval()
    return history


def conformal_limit(scores: NDArray[np.float64], share: float) -> float:
    """Return a limit that a new score of the same kind is below with probability ≥ `share`.

    It is the ⌈(n + 1)·share⌉-th smallest of `scores` [n], n ≥ 1 (split conformal prediction, Vovk et al. 2005), or
    the largest where n is too small to guarantee that. The plain quantile is lower, so it guarantees less for
    small n.
    """
    rank = min(int(np.ceil((len(scores) + 1) * share)), len(scores))
    return float(np.sort(scores)[rank - 1])
