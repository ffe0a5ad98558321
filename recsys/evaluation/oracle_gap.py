"""Share of the possible gain that a system reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys.evaluation.systems import FULL_SYSTEM


@dataclass(frozen=True, slots=True)
class Gap:
    """One metric of a baseline, of a system and of the oracle."""

    baseline: float
    reached: float
    ceiling: float

    @property
    def closed(self) -> float:
        """Return the share of the gap that is closed: 0 at the baseline, 1 at the ceiling."""
        return (self.reached - self.baseline) / (self.ceiling - self.baseline)


def gap(
    figures: Mapping[str, Any],
    ceiling: str,
    baseline: str = "popular",
    system: str = FULL_SYSTEM,
    metric: str = "auc",
) -> Gap | None:
    """Return the gap between two rows of `report.figures`, and the position of `system` in it.

    None if a value is missing, or the ceiling is not above the baseline.
    """
    low, reached, high = (figures[name][metric] for name in (baseline, system, ceiling))
    if low is None or reached is None or high is None or high <= low:
        return None
    return Gap(low, reached, high)
