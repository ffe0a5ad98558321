"""Closed-form adjustment of attention, without building a T × T matrix.

Shapes: B batch, L layers, H heads, T tokens, d head width.

With logits ``s_ij = scale · q_i·k_j``, a key gate ``g_j`` in (0, 1], a temperature ``τ`` and a mix ``λ``:

    A  = softmax(s / τ + log g)                 over the keys that may be attended
    A' = (1 − λ) · A + λ · U                    U: uniform over those keys
    o  = A' · v = (1 − λ) · SDPA(q / τ, k, v, mask + log g) + λ · mean(v)
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Change to a forward pass of a batch. A part that is None is not applied.

    log_gate: added to the logits of keys, ≤ 0, (B, T); temperature: > 0, (B or 1, L, H); mix: λ in [0, 1],
    (B or 1, L, H); gated: layers that the gate applies to, None for all. The self-attention of a decoder has keys
    of its own, which the gate of the inputs must leave alone.
    """

    log_gate: torch.Tensor | None = None
    temperature: torch.Tensor | None = None
    mix: torch.Tensor | None = None
    gated: frozenset[int] | None = None

    def of(self, layer: int) -> "LayerAdjustment":
        """Return the part for one layer, shaped to broadcast over (B, H, T, d)."""
        return LayerAdjustment(
            log_gate=self.log_gate if self.gated is None or layer in self.gated else None,
            temperature=_layer_part(self.temperature, layer),
            mix=_layer_part(self.mix, layer),
        )


@dataclass(frozen=True, slots=True)
class LayerAdjustment:
    """Adjustment of one layer. log_gate: (B, T); temperature and mix: (B or 1, H, 1, 1)."""

    log_gate: torch.Tensor | None
    temperature: torch.Tensor | None
    mix: torch.Tensor | None


def adjusted_attention(
    query_BHTd: torch.Tensor,
    key_BHTd: torch.Tensor,
    value_BHTd: torch.Tensor,
    allowed: torch.Tensor | None,
    scaling: float,
    adjustment: LayerAdjustment,
) -> torch.Tensor:
    """Compute attention with `adjustment`: (B, T, H, d).

    `allowed` is True where a query may attend a key, (B, 1, T, T), or None where all may.
    """
    if adjustment.temperature is not None:
        query_BHTd = query_BHTd / adjustment.temperature.to(query_BHTd.dtype)
    bias = _bias(allowed, adjustment.log_gate, query_BHTd.dtype)
    output_BHTd = scaled_dot_product_attention(query_BHTd, key_BHTd, value_BHTd, attn_mask=bias, scale=scaling)
    if adjustment.mix is not None:
        mix = adjustment.mix.to(output_BHTd.dtype)
        output_BHTd = (1 - mix) * output_BHTd + mix * _mean_of_allowed(value_BHTd, allowed)
    return output_BHTd.transpose(1, 2).contiguous()


def _layer_part(values_BLH: torch.Tensor | None, layer: int) -> torch.Tensor | None:
    return None if values_BLH is None else values_BLH[:, layer, :, None, None]


def _bias(
    allowed: torch.Tensor | None, log_gate_BT: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor | None:
    if log_gate_BT is None:
        return allowed
    gate_B11T = log_gate_BT[:, None, None, :].to(dtype)
    return gate_B11T if allowed is None else torch.where(allowed, gate_B11T, -torch.inf)


def _mean_of_allowed(value_BHTd: torch.Tensor, allowed: torch.Tensor | None) -> torch.Tensor:
    """Return the mean of the values that each query may attend: (B, H, T or 1, d)."""
    if allowed is None:
        return value_BHTd.mean(dim=-2, keepdim=True)
    # a padding mask is the same for every query: one row of it is enough
    rows = allowed[:, :, :1] if allowed.shape[2] == 1 or allowed.stride(2) == 0 else allowed
    weights = rows.to(value_BHTd.dtype)
    # a query without allowed keys, e.g. padding before a causal text, gets 0, as in plain attention
    return (weights / weights.sum(dim=-1, keepdim=True).clamp(min=1)) @ value_BHTd
