"""The formula of an adjustment, written out with the whole T × T matrix."""

import torch

from recsys.calibration.adjustment import Adjustment


def adjusted(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    allowed: torch.Tensor | None,
    scaling: float,
    adjustment: Adjustment,
    layer: int,
) -> torch.Tensor:
    """softmax((s/τ) + log g) over the allowed keys, A' = (1 − λ)A + λU, times v: (B, T, H, d)."""
    query, key, value = query.double(), key.double(), value.double()
    logits = scaling * query @ key.mT
    may = torch.ones_like(logits, dtype=torch.bool) if allowed is None else allowed.expand_as(logits)
    if adjustment.temperature is not None:
        logits = logits / adjustment.temperature[:, layer, :, None, None].double()
    if adjustment.log_gate is not None:
        logits = logits + adjustment.log_gate[:, None, None, :].double()
    attention = logits.masked_fill(~may, -torch.inf).softmax(dim=-1)
    if adjustment.mix is not None:
        mix = adjustment.mix[:, layer, :, None, None].double()
        attention = (1 - mix) * attention + mix * may.double() / may.sum(dim=-1, keepdim=True)
    return (attention @ value).transpose(1, 2)


def random_adjustment(
    batch: int, layers: int, heads: int, tokens: int, seed: int, parts: frozenset[str] | None = None
) -> Adjustment:
    """An adjustment with some of its `parts`; None: with all."""
    make = torch.Generator().manual_seed(seed)
    gate = -2 * torch.rand(batch, tokens, generator=make)
    temperature = 0.7 + torch.rand(1 if seed % 2 else batch, layers, heads, generator=make)
    mix = torch.rand(batch, layers, heads, generator=make)
    wanted = {"log_gate": gate, "temperature": temperature, "mix": mix}
    return Adjustment(**{name: values for name, values in wanted.items() if parts is None or name in parts})
