"""Listener interface: receives every calibrated batch, for monitoring."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Inspection, Plan


@dataclass(frozen=True, slots=True)
class ObservedBatch:
    """Batch of texts encoded with a calibrator.

    seen: attention statistics; found: results of the detectors; plan: the adjustment; seconds: time of inspection
    and second encoding.
    """

    seen: Observation
    found: Inspection
    plan: Plan | None
    seconds: float

    @property
    def gated(self) -> NDArray[np.bool_]:
        """Return the mask [B] of adjusted texts."""
        gated = np.zeros(len(self.found), dtype=np.bool_)
        if self.plan is not None:
            gated[self.plan.rows] = True
        return gated


class Listener(Protocol):
    """Receiver of every batch, called in the encoding thread."""

    def saw(self, reading: ObservedBatch) -> None:
        """Process one batch. An exception counts as a failure of calibration, not of encoding."""
        ...
