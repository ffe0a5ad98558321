"""What is told to those who want to know how calibration goes, batch by batch."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Inspection, Plan


@dataclass(frozen=True, slots=True)
class ObservedBatch:
    """One batch of texts that was read with a calibrator.

    seen: what attention did; found: what the detectors say; plan: what was adjusted; seconds: what inspecting and
    reading again took.
    """

    seen: Observation
    found: Inspection
    plan: Plan | None
    seconds: float

    @property
    def gated(self) -> NDArray[np.bool_]:
        """Which texts [B] were adjusted."""
        gated = np.zeros(len(self.found), dtype=np.bool_)
        if self.plan is not None:
            gated[self.plan.rows] = True
        return gated


class Listener(Protocol):
    """Hears of every batch, in the thread that encodes."""

    def saw(self, reading: ObservedBatch) -> None:
        """Take in one batch. What this raises counts as a failure of calibration, not of encoding."""
        ...
