"""Size of the preference network, and how its attention is calibrated."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class PreferenceConfig:
    """What weights must fit, and the calibration on top of them: identity unless told otherwise."""

    dim: int = 384
    projected: int = 96
    heads: int = 4
    interests: int = 4
    history: int = 50
    dropout: float = 0.1
    initial_scale: float = 8.0
    temperature: float = 1.0
    dwell_weight: float = 0.0
    keep: float = 1.0

    def uncalibrated(self) -> Self:
        """The same with calibration at identity."""
        return replace(self, temperature=1.0, dwell_weight=0.0, keep=1.0)

    def as_dict(self) -> dict[str, Any]:
        """For the bundle's manifest."""
        return asdict(self)
