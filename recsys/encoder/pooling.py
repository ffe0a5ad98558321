"""Token vectors → one vector."""

import torch


def mean_pool(hidden_BTD: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
    """Mean of the token vectors that are not padding, L2-normalised: (B, D)."""
    weights_BT1 = mask_BT.unsqueeze(-1).to(hidden_BTD.dtype)
    summed_BD = (hidden_BTD * weights_BT1).sum(dim=1)
    return torch.nn.functional.normalize(summed_BD / weights_BT1.sum(dim=1).clamp(min=1.0), dim=-1)
