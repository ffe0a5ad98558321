"""Calibrated attention of any transformers model.

`AttentionModel` describes a model: its network, its inputs, and its forward pass. `observe` runs it and collects
the attention statistics of every input. `ModelCalibrator` flags damaged inputs and plans the gate:

    logits of key j −= γ · p_j        in all layers whose keys are the inputs, cross attention included
    weight of input j in pooling      e^(−γ · p_j)

Only flagged inputs of flagged examples are gated, and only their examples run a second time. Without a flag the
output is that of the plain model. A large γ leaves an input out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration import hook
from recsys.calibration.adjustment import Adjustment
from recsys.calibration.attention_sites import input_layers, site_of
from recsys.calibration.breaker import Breaker
from recsys.calibration.input_detector import InputDetector, SeenInputs
from recsys.calibration.input_statistics import InputObserver, Inputs
from recsys.calibration.token_detector import anomaly_score
from recsys.errors import EncoderError

Batch = Mapping[str, torch.Tensor]
"""Arguments of a model by name; the first dimension of each is the example."""


class AttentionModel(Protocol):
    """A transformers model, and how to run it on a batch."""

    @property
    def network(self) -> Any:
        """Return the `PreTrainedModel`, or the part of it whose attention is calibrated."""
        ...

    def inputs(self, batch: Batch) -> Inputs:
        """Return the keys of a batch."""
        ...

    def outputs(self, batch: Batch, weights: torch.Tensor | None) -> torch.Tensor:
        """Run the model: (B, …).

        weights: of the keys in pooling, in [0, 1], (B, T); None weighs all alike. A model that does not pool over
        its inputs ignores them.
        """
        ...


class HookedModel:
    """A model whose attention can be observed and gated.

    Args:
        model: the model; its network is switched to the hook and to evaluation.

    Raises:
        EncoderError: the network does not let its attention be replaced.
    """

    def __init__(self, model: AttentionModel) -> None:
        self.model = model
        network = model.network
        try:
            network.set_attn_implementation(hook.register())
        except (AttributeError, ValueError) as error:
            raise EncoderError(
                f"{type(network).__name__} does not let its attention be replaced: use a transformers model that "
                "supports attn_implementation"
            ) from error
        network.eval()
        self._tap = hook.attach(network)
        self._is_encoder_decoder = bool(getattr(network.config, "is_encoder_decoder", False))

    @property
    def layers(self) -> list[str]:
        """Return the names of the attention modules that have run, in order."""
        return list(self._tap.layers)

    @torch.inference_mode()
    def plain(self, batch: Batch) -> torch.Tensor:
        """Run the model as it is."""
        return self.model.outputs(batch, None)

    @torch.inference_mode()
    def observe(self, batch: Batch) -> tuple[torch.Tensor, SeenInputs]:
        """Run the model as it is, and return its outputs (B, …) with the statistics of its inputs."""
        inputs = self.model.inputs(batch)
        observer = InputObserver(inputs, lambda layer: site_of(self._tap.layers[layer], self._is_encoder_decoder))
        with self._tap.using(watcher=observer):
            outputs = self.model.outputs(batch, None)
        return outputs, SeenInputs.of(observer.statistics(), observer.content(), inputs.inner.cpu().numpy())

    @torch.inference_mode()
    def gated(self, batch: Batch, log_gate: NDArray[np.float64]) -> torch.Tensor:
        """Run the model with `log_gate` [B, T], ≤ 0, added to the logits of its inputs."""
        present = self.model.inputs(batch).present
        gate = torch.from_numpy(log_gate).float().to(present.device)
        if not self._tap.layers:
            with self._tap.using(adjustment=Adjustment()):  # layers get their numbers when they first run
                self.model.outputs(batch, None)
        layers = input_layers(self._tap.layers, self._is_encoder_decoder)
        with self._tap.using(adjustment=Adjustment(log_gate=gate, gated=layers)):
            return self.model.outputs(batch, gate.exp())


@dataclass(frozen=True, slots=True)
class ModelCalibrator:
    """Detector and gate of a model. gamma: strength, 0 is the plain model; certain: probability of a flag."""

    detector: InputDetector
    gamma: float = 0.0
    certain: float = 0.5

    @property
    def identity(self) -> bool:
        """Return True if nothing is ever adjusted."""
        return self.gamma == 0.0

    def probability(self, seen: SeenInputs) -> NDArray[np.float64]:
        """Return the probability of flagged inputs of flagged examples, 0 for all others [B, N]."""
        return self.flagged(self.detector.probabilities(seen), seen.inner)

    def flagged(self, probability_BN: NDArray[np.float64], inner_BN: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the probabilities of the detector for flagged inputs of flagged examples, 0 for all others."""
        is_flagged_B = anomaly_score(probability_BN, inner_BN) > self.detector.network.limit
        return np.where(is_flagged_B[:, None] & (probability_BN > self.certain), probability_BN, 0.0)

    def log_gate(self, seen: SeenInputs, keys: int) -> NDArray[np.float64]:
        """Return the gate −γ·p of each key [B, keys]."""
        return seen.scattered(-self.gamma * self.probability(seen), keys)


class CalibratedModel:
    """A model with its calibrator: its output for every batch, and a breaker that watches the flags.

    Args:
        hooked: the model.
        calibrator: its calibrator.
        breaker: switches the calibration off where it fails or flags a flood; None uses no breaker.
    """

    def __init__(self, hooked: HookedModel, calibrator: ModelCalibrator, breaker: Breaker | None = None) -> None:
        self._hooked, self.calibrator, self._breaker = hooked, calibrator, breaker

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Run the model: (B, …), exactly the plain output for examples without a flag."""
        if self.calibrator.identity or (self._breaker is not None and self._breaker.open):
            return self._hooked.plain(batch)
        outputs, seen = self._hooked.observe(batch)
        keys = self._hooked.model.inputs(batch).present.shape[1]
        log_gate = self.calibrator.log_gate(seen, keys)
        rows = np.flatnonzero(log_gate.any(axis=1))
        if self._breaker is not None:
            self._breaker.count(seen.inner.sum(axis=1), (log_gate < 0).sum(axis=1))
        if not len(rows):
            return outputs
        return self._replaced(outputs, batch, rows, log_gate)

    def _replaced(
        self, outputs: torch.Tensor, batch: Batch, rows: NDArray[np.int64], log_gate: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return the outputs with those of `rows` [b] run again with their gate."""
        chosen = torch.from_numpy(rows)
        gated = self._hooked.gated(rows_of(batch, chosen), log_gate[rows])
        if self._breaker is not None and gated.is_floating_point() and not bool(gated.isfinite().all()):
            self._breaker.trip("the gated outputs are not finite")
            return outputs
        outputs = outputs.clone()
        outputs[chosen] = gated
        return outputs


def rows_of(batch: Batch, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return some examples of a batch."""
    return {name: values[rows] for name, values in batch.items()}


def pooled(hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, weights_BT: torch.Tensor | None) -> torch.Tensor:
    """Return the mean of the hidden states (B, D) where `mask_BT` is True, weighted."""
    weight_BT = mask_BT.to(hidden_BTD.dtype)
    if weights_BT is not None:
        weight_BT = weight_BT * weights_BT.to(hidden_BTD.dtype)
    return (hidden_BTD * weight_BT.unsqueeze(-1)).sum(dim=1) / weight_BT.sum(dim=1, keepdim=True).clamp(min=1e-9)
