"""Difference of two arms of a trial, valid however often it is looked at.

The interval of a plain test holds for one look at a time chosen beforehand; who looks every day and stops at the
first good one is wrong far more often than 5%. A confidence sequence holds at all looks together: the asymptotic
one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021 ("Time-uniform central limit theory and asymptotic
confidence sequences", theorem 2.2), in the spirit of Howard et al. 2021.

Readers are assigned, not slates, so variances are those of readers (linearised ratio of sums: Deng, Knoblich and
Lu 2018). What readers did before the trial explains part of it and is removed: CUPED (Deng, Xu, Kohavi and Walker
2013).
"""

from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.bootstrap import Interval

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Chance of ever excluding the true difference, over all looks."""

FEWEST_READERS = 30
"""Readers of each arm from which on means of readers are about normal. Look at no difference before."""

TUNED_SLATES = 1_000
"""Effective slates at which the sequence is narrowest. It is within 10% of that from a quarter to ten times it."""

_RATIO_PRIOR = 100.0
"""Readers that the prior of the assigned share is worth: see `share_evidence`."""

UNEVEN_EVIDENCE = 1_000.0
"""Evidence of an uneven assignment that counts: by chance at most one of so many trials ever reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReaders:
    """One arm, by reader: number of slates [R], sum of the outcome over them [R], and `before` [R].

    before: any figure of the reader from before the trial; 0 for new readers.
    """

    slates: Floats
    outcome: Floats
    before: Floats

    @property
    def mean(self) -> float:
        """Mean outcome of a slate."""
        return float(self.outcome.sum() / self.slates.sum())

    @property
    def influence(self) -> Floats:
        """Influence of each reader on `mean` [R]: the mean of these values has the variance of `mean`."""
        return np.asarray((self.outcome - self.mean * self.slates) * len(self.slates) / self.slates.sum())


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean outcome of a slate of the challenger less that of the reference.

    interval: confidence sequence at this look. error: standard error. explained: share of the variance that the
    time before the trial explained.
    """

    interval: Interval
    error: float
    explained: float

    @property
    def better(self) -> bool:
        """True if the difference is above zero."""
        return self.interval.low > 0

    @property
    def worse(self) -> bool:
        """True if the difference is below zero."""
        return self.interval.high < 0


def difference(challenger: ArmReaders, reference: ArmReaders) -> Difference | None:
    """Return the difference of two arms; None with fewer than `FEWEST_READERS` readers in one of them."""
    arms = (challenger, reference)
    if min(len(arm.slates) for arm in arms) < FEWEST_READERS:
        return None
    slope = _slope(*arms)
    adjusted = [arm.mean - slope * float(arm.before.mean()) for arm in arms]
    variance = adjusted_variance(*arms)
    plain = sum(_variance(arm.influence) for arm in arms)
    slates = 1 / sum(1 / float(arm.slates.sum()) for arm in arms)
    mean, radius = adjusted[0] - adjusted[1], sqrt(variance) * errors_wide(slates)
    interval = Interval(mean, mean - radius, mean + radius)
    return Difference(interval, sqrt(variance), 1 - variance / plain if plain else 0.0)


def adjusted_variance(*arms: ArmReaders) -> float:
    """Return the summed variance of the means of `arms`, without the part that the time before explains."""
    slope = _slope(*arms)
    return sum(_variance(arm.influence - slope * _centred(arm.before)) for arm in arms)


def errors_wide(slates: float, tuned: float = TUNED_SLATES, alpha: float = ALPHA) -> float:
    """Return half the width of the confidence sequence in standard errors, after `slates` effective slates.

    Of two arms with n and m slates these are 1 / (1/n + 1/m). The number only measures time: it must grow in
    proportion to what is known. tuned: the time at which the sequence is narrowest.
    """
    tightest = -2 * log(alpha)
    scaled = slates * (tightest + log1p(tightest)) / tuned
    return sqrt(2 * (scaled + 1) / scaled * log(sqrt(scaled + 1) / alpha))


def share_evidence(challenger: int, reference: int, share: float) -> float:
    """Return the evidence that readers are not assigned by `share`, as the factor by which a bet on it has grown.

    The bet is a beta prior around the share. By Ville's inequality it ever grows to 1/α in at most a share α of
    trials without fault, at whatever times one looks (Lindon and Malek 2022, of one multinomial cell).

    Args:
        challenger: readers of the challenger.
        reference: readers of the reference.
        share: share of the readers whom the challenger should get, above 0 and below 1.
    """
    one, two = _RATIO_PRIOR * share, _RATIO_PRIOR * (1 - share)
    grown = _log_beta(challenger + one, reference + two) - _log_beta(one, two)
    expected = challenger * log(share) + reference * log(1 - share)
    return exp(min(grown - expected, 700.0))


def _slope(*arms: ArmReaders) -> float:
    """Return the slope of the influence on the time before the trial; 0 if that does not vary within the arms."""
    before = np.concatenate([_centred(arm.before) for arm in arms])
    influence = np.concatenate([arm.influence for arm in arms])
    spread = float(before @ before)
    return float(before @ influence) / spread if spread > 0 else 0.0


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean())


def _variance(influence: Floats) -> float:
    """Return the variance of the mean of the influences [R]."""
    return float(influence @ influence) / (len(influence) * (len(influence) - 1))


def _log_beta(one: float, two: float) -> float:
    return lgamma(one) + lgamma(two) - lgamma(one + two)
