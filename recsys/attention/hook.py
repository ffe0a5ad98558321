"""The place where attention of any transformers model can be seen and adjusted.

`register` puts an attention function under a name, and the padding mask that goes with it: without the second,
transformers hands the function no mask and padding is attended. Today the function is the identity: plain scaled
dot-product attention. Statistics and adjustments hang in here without touching the models.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

CALIBRATED = "calibrated"
"""Value of `attn_implementation` that routes a model's attention through this module."""


def register() -> str:
    """Make `CALIBRATED` known to transformers; doing it again changes nothing. Returns the name."""
    AttentionInterface.register(CALIBRATED, calibrated_attention)
    AttentionMaskInterface.register(CALIBRATED, sdpa_mask)
    return CALIBRATED


def calibrated_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one layer: (B, heads, T, d) each → (B, T, heads, d), and no weights."""
    output: torch.Tensor
    output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    return output, None
