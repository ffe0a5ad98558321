"""Hook that observes and adjusts the attention of any transformers model.

`register` registers an attention function under a name, and its padding mask: without the mask, transformers
passes none and padding is attended. `attach` connects a `Tap` to a model. An idle tap, or none, leaves plain
scaled dot-product attention.

Modules are identified by their names in the model, because many models lack `layer_idx`. Layers are numbered in
the order of their first call.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from recsys.calibration.adjustment import Adjustment, adjusted_attention
from recsys.errors import EncoderError

CALIBRATED = "calibrated"
"""Value of `attn_implementation` that routes a model's attention through this module."""


class Watcher(Protocol):
    """Receiver of the attention inputs of every layer, before any adjustment."""

    def see(
        self,
        layer: int,
        query_BHTd: torch.Tensor,
        key_BHTd: torch.Tensor,
        allowed: torch.Tensor | None,
        scaling: float,
    ) -> None:
        """Receive one layer.

        `allowed` is True where a query may attend a key, (B, 1, T, T), or None where all may.
        """
        ...


class Tap:
    """Connection to one model: its observer and its adjustment, for one forward pass at a time."""

    def __init__(self) -> None:
        self._turn = threading.RLock()  # a service encodes articles while a person looks at one
        self.layers: list[str] = []
        self.watcher: Watcher | None = None
        self.adjustment: Adjustment | None = None

    @contextmanager
    def using(self, watcher: Watcher | None = None, adjustment: Adjustment | None = None) -> Iterator[None]:
        """Use `watcher` and `adjustment` in the forward passes inside the context. Other threads wait."""
        with self._turn:
            self.watcher, self.adjustment = watcher, adjustment
            try:
                yield
            finally:
                self.watcher = self.adjustment = None

    def layer(self, name: str) -> int:
        """Return the number of the module `name`; a new module gets the next number."""
        if name not in self.layers:
            self.layers.append(name)
        return self.layers.index(name)


_UNSUPPORTED = {
    "position_bias": "adds a bias by position to its attention",
    "softcap": "caps the logits of its attention",
}
"""Options that change the logits and that the closed forms do not support."""

_TAPS: WeakKeyDictionary[torch.nn.Module, tuple[Tap, str]] = WeakKeyDictionary()


def register() -> str:
    """Register `CALIBRATED` with transformers, and return the name. Repeated calls change nothing."""
    AttentionInterface.register(CALIBRATED, calibrated_attention)
    AttentionMaskInterface.register(CALIBRATED, sdpa_mask)
    return CALIBRATED


def attach(model: torch.nn.Module) -> Tap:
    """Return a tap on all attention of `model`, which must run with `attn_implementation=CALIBRATED`.

    It replaces an earlier tap on the same model.
    """
    tap = Tap()
    for name, module in model.named_modules():
        _TAPS[module] = (tap, name)
    return tap


def calibrated_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Compute attention of one layer: (B, heads, T, d) each → (B, T, heads, d), and no weights."""
    tap, name = _TAPS.get(module, (None, ""))
    if tap is None or not (tap.watcher or tap.adjustment):
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return output, None
    for option, effect in _UNSUPPORTED.items():
        if options.get(option) is not None:
            raise EncoderError(f"{name} {effect}: it can be neither observed nor adjusted")
    layer, scaling = tap.layer(name), options.get("scaling") or query.size(-1) ** -0.5
    shared = query.shape[1] // key.shape[1]  # grouped queries: several heads share one key
    key, value = repeat_kv(key, shared), repeat_kv(value, shared)
    allowed = _allowed(module, query, attention_mask)
    if tap.watcher is not None:
        tap.watcher.see(layer, query, key, allowed, scaling)
    adjustment = (tap.adjustment or Adjustment()).of(layer)
    return adjusted_attention(query, key, value, allowed, scaling, adjustment), None


def _allowed(module: torch.nn.Module, query_BHTd: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor | None:
    """Return the mask; build it where transformers leaves a causal mask to the kernel."""
    tokens = query_BHTd.shape[2]
    if mask is not None or tokens == 1 or not getattr(module, "is_causal", False):
        return mask
    return torch.ones(1, 1, tokens, tokens, dtype=torch.bool, device=query_BHTd.device).tril()
