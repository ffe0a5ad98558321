"""Estimated states of tokens that were dropped, from those that went on.

Each text by itself, in closed form and without training. A later state of a token is a straight line of its state
at the exit, per dimension, fitted on the kept tokens. The rest, known for the kept ones, is spread by kernel ridge
regression: tokens that were alike at the exit move alike.
"""

import torch

_RIDGE = 1.0
"""Weight of the ridge against cosines, which are 1 on the diagonal (docs/log/encoder-and-compute.md)."""
_MIN_VARIANCE = 1e-12


class MoveEstimate:
    """Estimate of later states of all tokens of a batch.

    Args:
        exit_BTD: states after the last layer that all tokens went through.
        kept_BN: positions of the tokens that go on.
    """

    def __init__(self, exit_BTD: torch.Tensor, kept_BN: torch.Tensor) -> None:
        self._places_BND = kept_BN.unsqueeze(-1).expand(-1, -1, exit_BTD.shape[2])
        exit_BTD = exit_BTD.float()
        self._centred_BTD = exit_BTD - self.of_kept(exit_BTD).mean(dim=1, keepdim=True)
        unit_BTD = torch.nn.functional.normalize(self._centred_BTD, dim=-1)
        unit_BND = self.of_kept(unit_BTD)
        ridge_NN = _RIDGE * torch.eye(kept_BN.shape[1], device=exit_BTD.device)
        with torch.autocast(exit_BTD.device.type, enabled=False):
            factor_BNN = torch.linalg.cholesky(unit_BND @ unit_BND.transpose(1, 2) + ridge_NN)
            kernel_BNT = unit_BND @ unit_BTD.transpose(1, 2)
            self._spread_BTN = torch.cholesky_solve(kernel_BNT, factor_BNN).transpose(1, 2)

    def of_kept(self, values_BTD: torch.Tensor) -> torch.Tensor:
        """Return the values of the kept tokens (B, N, D)."""
        return values_BTD.gather(1, self._places_BND)

    def completed(self, moved_BND: torch.Tensor) -> torch.Tensor:
        """Return states of all tokens (B, T, D): the computed ones of the kept, estimates for the others."""
        moved_BND = moved_BND.float()
        from_BND = self.of_kept(self._centred_BTD)
        mean_B1D = moved_BND.mean(dim=1, keepdim=True)
        variance_B1D = (from_BND**2).sum(dim=1, keepdim=True).clamp(min=_MIN_VARIANCE)
        slope_B1D = (from_BND * (moved_BND - mean_B1D)).sum(dim=1, keepdim=True) / variance_B1D
        line_BTD = mean_B1D + slope_B1D * self._centred_BTD
        missed_BND = moved_BND - self.of_kept(line_BTD)
        with torch.autocast(missed_BND.device.type, enabled=False):
            estimated_BTD = line_BTD + self._spread_BTN @ missed_BND
        return estimated_BTD.scatter(1, self._places_BND, moved_BND)
