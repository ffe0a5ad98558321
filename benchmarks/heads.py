"""Pruning of the BERT heads with the least effect on the vectors.

transformers 5 removed `prune_heads` but kept `prune_linear_layer`, which is enough: attention layers compute their
number of heads from the weights.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.pytorch_utils import prune_linear_layer

from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_batches import encode

Head = tuple[int, int]
"""Layer, and head in the layer."""


def by_effect(encoder: TextEncoder, texts: Sequence[str]) -> list[tuple[Head, float]]:
    """Return all heads, least effect first: mean of 1 − cosine of the vectors of `texts` with and without it."""
    original = encode(encoder, texts)
    layers = encoder.network.encoder.layer
    found = {
        (layer, head): _effect(encoder, texts, original, layers[layer].attention.self, head)
        for layer in range(len(layers))
        for head in range(encoder.network.config.num_attention_heads)
    }
    return sorted(found.items(), key=lambda each: each[1])


def remove(encoder: TextEncoder, heads: Sequence[Head]) -> None:
    """Remove `heads` from `encoder`; every layer must retain at least one head."""
    for layer, block in enumerate(encoder.network.encoder.layer):
        removed = {head for where, head in heads if where == layer}
        if not removed:
            continue
        own, width = block.attention.self, block.attention.self.attention_head_size
        remaining = torch.cat(
            [
                torch.arange(head * width, (head + 1) * width)
                for head in range(own.num_attention_heads)
                if head not in removed
            ]
        )
        for name in ("query", "key", "value"):
            setattr(own, name, prune_linear_layer(getattr(own, name), remaining))
        block.attention.output.dense = prune_linear_layer(block.attention.output.dense, remaining, dim=1)


def removable(ranked: Sequence[tuple[Head, float]], count: int) -> list[Head]:
    """Return the `count` heads of least effect, so that every layer retains one."""
    remaining: dict[int, int] = {}
    for (layer, _), _ in ranked:
        remaining[layer] = remaining.get(layer, 0) + 1
    out: list[Head] = []
    for (layer, head), _ in ranked:
        if len(out) < count and remaining[layer] > 1:
            remaining[layer] -= 1
            out.append((layer, head))
    return out


def _effect(
    encoder: TextEncoder, texts: Sequence[str], original: NDArray[np.float32], attention: Any, head: int
) -> float:
    width = attention.attention_head_size

    def silence(_module: Any, _inputs: Any, outputs: tuple[torch.Tensor, None]) -> tuple[torch.Tensor, None]:
        mixed_BTD = outputs[0].clone()
        mixed_BTD[..., head * width : (head + 1) * width] = 0.0
        return mixed_BTD, None

    handle = attention.register_forward_hook(silence)
    try:
        without = encode(encoder, texts)
    finally:
        handle.remove()
    return float(1.0 - (original * without).sum(axis=1).mean())
