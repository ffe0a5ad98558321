"""How much of what could be won a system wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys.evaluation.systems import FULL_SYSTEM


@dataclass(frozen=True, slots=True)
class Gap:
    """One metric of a baseline, of a system and of the best there can be."""

    baseline: float
    reached: float
    ceiling: float

    @property
    def closed(self) -> float:
        """Share of the way from the baseline to the ceiling: 0 at the baseline, 1 at the ceiling."""
        return (self.reached - self.baseline) / (self.ceiling - self.baseline)


def gap(
    figures: Mapping[str, Any],
    ceiling: str,
    baseline: str = "popular",
    system: str = FULL_SYSTEM,
    metric: str = "auc",
) -> Gap | None:
    """The gap between two rows of `report.figures`, and where `system` stands in it.

    None where a figure could not be judged, or nothing lies between the two.
    """
    low, reached, high = (figures[name][metric] for name in (baseline, system, ceiling))
    if low is None or reached is None or high is None or high <= low:
        return None
    return Gap(low, reached, high)
