"""What is told to those who want to know how calibration goes, batch by batch."""

from dataclasses import dataclass
from typing import Protocol

from recsys.attention.calibrator import Inspection, Plan
from recsys.attention.observe import Observation


@dataclass(frozen=True, slots=True)
class Reading:
    """One batch of texts that was read with a calibrator.

    seen: what attention did; found: what the detectors say; plan: what was adjusted; seconds: what inspecting and
    reading again took.
    """

    seen: Observation
    found: Inspection
    plan: Plan | None
    seconds: float


class Listener(Protocol):
    """Hears of every batch, in the thread that encodes."""

    def saw(self, reading: Reading) -> None:
        """Take in one batch. What this raises counts as a failure of calibration, not of encoding."""
        ...
