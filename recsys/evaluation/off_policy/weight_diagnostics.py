"""Diagnostics of weights: can the log say anything about the target policy?

The weight of a slate is that of its last action: the product of all its ratios. The mean weight is 1 if the log
could have made every slate of the target policy. What is missing is the share of its slates without support. The
effective sample size is Kish's: ``(Σ w)² / Σ w²`` (Kish 1965).

That size is itself an estimate, and is too large as long as the log has not shown the largest weights. So the
variance must rest on more than a few slates: their effective number is ``(Σ w²)² / Σ w⁴``. Of simulated worlds
above the floor of the effective sample size, 88 to 90% were covered by their intervals; of those that also have 25
such slates, 94 to 95% (docs/log/off-policy.md).
"""

from dataclasses import dataclass

import numpy as np

from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import variance
from recsys.evaluation.scored_slates import Floats

LEAST_ESS = 100.0
"""Effective sample size below which no estimate is given."""

LEAST_DECIDING = 25.0
"""Effective number of slates that decide the variance, below which no estimate is given."""

MOST_UNSUPPORTED = 0.1
"""Share of the target's slates without support above which no estimate is given, if it is more than chance."""

_CHANCE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class WeightDiagnostics:
    """Diagnostics of the weights of slates.

    slates: number. ess: effective sample size. deciding: effective number of slates that decide the variance.
    mean, largest: of the weights. error: standard error of the mean over readers. largest_share: share of the
    largest weight in their sum.
    """

    slates: int
    ess: float
    deciding: float
    mean: float
    error: float
    largest: float
    largest_share: float

    @classmethod
    def of(cls, logged: LoggedRewards) -> "WeightDiagnostics":
        """Return the diagnostics of the weights of `logged`."""
        if not len(logged):
            return cls(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        weight = logged.weights()[0][:, -1]
        total, largest = float(weight.sum()), float(weight.max())
        return cls(
            slates=len(weight),
            ess=effective_number(weight),
            deciding=effective_number(weight**2),
            mean=float(weight.mean()),
            error=float(np.sqrt(variance(weight, logged.reader))),
            largest=largest,
            largest_share=largest / total if total else 0.0,
        )

    @property
    def unsupported(self) -> float:
        """Share of the target's slates that the log could not have made, 0 to 1."""
        return min(max(1.0 - self.mean, 0.0), 1.0)

    def refusal(self, least_ess: float = LEAST_ESS) -> str | None:
        """Return why no estimate can be given from these weights, and the remedy; None if one can."""
        if not self.slates:
            return "no position of a slate was explored: serve feeds with ATTUNE_EXPLORE above 0 for some days"
        if self.ess < least_ess:
            return (
                f"the effective sample size is {self.ess:.1f} of {self.slates} impressions, below the floor of "
                f"{least_ess:.0f}: the bundle chooses other articles than the log shows. Evaluate more days, or "
                "explore more"
            )
        if self.deciding < LEAST_DECIDING:
            return (
                f"{self.deciding:.1f} of {self.slates} impressions decide the variance, below the floor of "
                f"{LEAST_DECIDING:.0f}: the log has too few of the slates that the bundle would make most. "
                "Evaluate more days, or explore more"
            )
        if 1.0 - self.mean - _CHANCE * self.error > MOST_UNSUPPORTED:
            return (
                f"{self.unsupported:.0%} of the bundle's slates had no chance in the log, more than "
                f"{MOST_UNSUPPORTED:.0%}: nothing is known about them. Explore more, or try an A/B test"
            )
        return None


def effective_number(weight: Floats) -> float:
    """Return how many equal weights say as much as `weight` [n] (Kish); 0 without a positive weight."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0
