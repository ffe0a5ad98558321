"""Strength of the adjustments of a calibrator. Importing it does not import torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """Strength of the adjustments.

    gamma: for flagged tokens; certain: probability from which a token is cut instead; kappa, most_mix: for flagged
    heads; fields: True if abstracts have field weights.
    """

    gamma: float = 0.0
    certain: float = 0.9
    kappa: float = 0.0
    most_mix: float = 0.3
    fields: bool = False

    @property
    def identity(self) -> bool:
        """Return True if nothing is ever adjusted."""
        return self.gamma == 0.0 and self.kappa == 0.0 and not self.fields
