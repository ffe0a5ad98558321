"""Diagnostics of weights: can the log say anything about the target policy?

The mean weight is 1 if the log could have made every choice of the target policy. What is missing is the share of
its choices without support. The effective sample size is Kish's: ``(Σ w)² / Σ w²`` (Kish 1965).
"""

from dataclasses import dataclass

import numpy as np

from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import variance
from recsys.evaluation.scored_slates import Floats

LEAST_ESS = 100.0
"""Effective sample size below which no estimate is given."""

MOST_UNSUPPORTED = 0.1
"""Share of the target's choices without support above which no estimate is given, if it is more than chance."""

_CHANCE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class WeightDiagnostics:
    """Diagnostics of the weights of n actions.

    actions: n. ess: effective sample size. mean, largest: of the weights. error: standard error of the mean over
    readers. largest_share: share of the largest weight in their sum.
    """

    actions: int
    ess: float
    mean: float
    error: float
    largest: float
    largest_share: float

    @classmethod
    def of(cls, logged: LoggedRewards) -> "WeightDiagnostics":
        """Return the diagnostics of the weights of `logged`."""
        weight, total = logged.weight, float(logged.weight.sum())
        if not total:
            return cls(len(weight), 0.0, 0.0, 0.0, 0.0, 0.0)
        counts = logged.per_slate(np.ones(len(weight)))
        mean = total / len(weight)
        # ratio of sums over slates, linearised
        parts = (logged.per_slate(weight) - mean * counts) * logged.slates / len(weight)
        error = float(np.sqrt(variance(parts, logged.reader)))
        largest = float(weight.max())
        return cls(len(weight), effective_sample_size(weight), mean, error, largest, largest / total)

    @property
    def unsupported(self) -> float:
        """Share of the target's choices that the log could not have made, 0 to 1."""
        return min(max(1.0 - self.mean, 0.0), 1.0)

    def refusal(self, least_ess: float = LEAST_ESS) -> str | None:
        """Return why no estimate can be given from these weights, and the remedy; None if one can."""
        if not self.actions:
            return "no position of a slate was explored: serve feeds with ATTUNE_EXPLORE above 0 for some days"
        if self.ess < least_ess:
            return (
                f"the effective sample size is {self.ess:.1f} of {self.actions} positions, below the floor of "
                f"{least_ess:.0f}: the bundle chooses other articles than the log shows. Evaluate more days, or "
                "explore more"
            )
        if 1.0 - self.mean - _CHANCE * self.error > MOST_UNSUPPORTED:
            return (
                f"{self.unsupported:.0%} of the bundle's choices had no chance in the log, more than "
                f"{MOST_UNSUPPORTED:.0%}: nothing is known about them. Explore more, or try an A/B test"
            )
        return None


def effective_sample_size(weight: Floats) -> float:
    """Return Kish's effective sample size of weights [n]; 0 without a positive weight."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0
