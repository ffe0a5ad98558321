"""Which heads of a BERT a vector hangs on least, and the BERT without them.

transformers 5 took out `prune_heads` and kept `prune_linear_layer`, which is all it takes: the layers of attention
infer how many heads they have.
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
"""Layer and place in it."""


def by_effect(encoder: TextEncoder, texts: Sequence[str]) -> list[tuple[Head, float]]:
    """All heads, least effect first: mean of 1 − cosine between the vectors of `texts` with and without it."""
    whole = encode(encoder, texts)
    layers = encoder.network.encoder.layer
    found = {
        (layer, head): _effect(encoder, texts, whole, layers[layer].attention.self, head)
        for layer in range(len(layers))
        for head in range(encoder.network.config.num_attention_heads)
    }
    return sorted(found.items(), key=lambda each: each[1])


def remove(encoder: TextEncoder, heads: Sequence[Head]) -> None:
    """Take `heads` out of `encoder` for good; at least one head must stay in every layer."""
    for layer, block in enumerate(encoder.network.encoder.layer):
        gone = {head for where, head in heads if where == layer}
        if not gone:
            continue
        own, width = block.attention.self, block.attention.self.attention_head_size
        kept = torch.cat(
            [
                torch.arange(head * width, (head + 1) * width)
                for head in range(own.num_attention_heads)
                if head not in gone
            ]
        )
        for name in ("query", "key", "value"):
            setattr(own, name, prune_linear_layer(getattr(own, name), kept))
        block.attention.output.dense = prune_linear_layer(block.attention.output.dense, kept, dim=1)


def removable(ranked: Sequence[tuple[Head, float]], count: int) -> list[Head]:
    """The `count` heads of least effect that leave every layer one."""
    left: dict[int, int] = {}
    for (layer, _), _ in ranked:
        left[layer] = left.get(layer, 0) + 1
    out: list[Head] = []
    for (layer, head), _ in ranked:
        if len(out) < count and left[layer] > 1:
            left[layer] -= 1
            out.append((layer, head))
    return out


def _effect(
    encoder: TextEncoder, texts: Sequence[str], whole: NDArray[np.float32], attention: Any, head: int
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
    return float(1.0 - (whole * without).sum(axis=1).mean())
