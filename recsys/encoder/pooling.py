"""Token vectors → one vector."""

import torch


def mean_pool(
    hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, weights_BT: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean of the token vectors that are not padding, weighted by `weights_BT`, L2-normalised: (B, D)."""
    counted_BT = mask_BT.to(hidden_BTD.dtype)
    weighted_BT1 = (counted_BT if weights_BT is None else counted_BT * weights_BT).unsqueeze(-1)
    summed_BD = (hidden_BTD * weighted_BT1).sum(dim=1)
    return torch.nn.functional.normalize(summed_BD / weighted_BT1.sum(dim=1).clamp(min=1e-6), dim=-1)
