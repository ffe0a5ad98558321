"""Parts that the tasks share: damaged positions, and a short training of a network.

Networks are trained with inputs left out at random (patch dropout: Liu et al. 2022), so that a missing input is
nothing new to them. The plain model is the same network.
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration import hook
from recsys.calibration.adjustment import Adjustment
from recsys.calibration.attention_sites import input_layers
from recsys.calibration.model_calibrator import AttentionModel, rows_of
from recsys.calibration.training_loop import FitConfig, minimise
from recsys.training.calibration.model_task import Examples

_OUT = 30.0

LEFT_OUT = 0.5
"""Largest share of the inputs of an example that training leaves out."""


def train(
    model: AttentionModel,
    examples: Examples,
    loss: Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor],
    config: FitConfig,
) -> None:
    """Train a model in place.

    `loss` gets a batch, and the weights of its keys in pooling (B, T).
    """
    network = model.network
    network.set_attn_implementation(hook.register())
    tap = hook.attach(network)
    hidden = torch.Generator().manual_seed(config.seed)
    encoder_decoder = bool(network.config.is_encoder_decoder)

    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        batch = rows_of(examples.batch, rows)
        inner = model.inputs(batch).inner
        share = LEFT_OUT * torch.rand(len(inner), 1, generator=hidden)
        out = inner & (torch.rand(inner.shape, generator=hidden) < share)
        gate = -_OUT * out.float()
        # before the first step no layer has a number, so that nothing is left out
        layers = input_layers(tap.layers, encoder_decoder)
        with tap.using(adjustment=Adjustment(log_gate=gate, gated=layers)):
            return loss(batch, gate.exp())

    minimise(cast(torch.nn.Module, network), len(examples), loss_of, config)


def scattered_mask(
    allowed: NDArray[np.bool_], count: int | Sequence[int] | NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a mask [n, T] of `count` random positions of each row among the `allowed` ones."""
    order = np.where(allowed, rng.random(allowed.shape), 2.0).argsort(axis=1).argsort(axis=1)
    return (order < np.broadcast_to(np.asarray(count), len(allowed))[:, None]) & allowed


def bursts_mask(rows: int, length: int, bursts: int, run: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a mask [rows, length] of `bursts` runs of positions in each row, which may touch or overlap."""
    mask = np.zeros((rows, length), dtype=np.bool_)
    for _ in range(bursts):
        start = rng.integers(length - run + 1, size=rows)[:, None]
        position = np.arange(length)
        mask |= (position >= start) & (position < start + run)
    return mask
