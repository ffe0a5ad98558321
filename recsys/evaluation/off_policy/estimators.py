"""Estimators of the mean reward of a slate under a target policy.

With w the weight of an action, v that of the actions above it, q its predicted reward and e the mean prediction
over the target's choices:

    ips         v and w alone: mean of ``w r`` (Horvitz and Thompson 1952)
    snips       the same over the mean weight (Swaminathan and Joachims 2015): bounded by the rewards
    direct      mean of ``v e``: trusts the model of rewards alone
    dr          ``v e + w (r − q)`` (Dudík, Langford and Li 2011): right if the weights or the model are
    switch_dr   the same, without the correction of actions whose weight is above the clip (Wang, Agarwal and
                Dudík 2017)

The weights say what readers do. With the weight of a position alone, an article earns what it earns at its
position, whatever stands above it (position-based click model; Li et al. 2018). With the product of the weights
down to a position, it may also depend on what stands above it (cascade; McInerney et al. 2020, Kiyohara et al.
2022).

`clip` cuts larger weights in ips and dr; infinity cuts none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.scored_slates import Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated mean reward of a slate.

    parts: part of each slate [S]; their mean is the value, and their deviations give its variance. For `snips`
    they are linearised.
    """

    parts: Floats

    @property
    def value(self) -> float:
        """Return the estimate."""
        return float(self.parts.mean())


Estimator = Callable[[LoggedRewards, float], Estimate]


def ips(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by inverse propensity scores; weights above `clip` count as `clip`."""
    return Estimate(logged.per_slate(np.minimum(logged.weight, clip) * logged.reward))


def snips(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by inverse propensity scores over their own mean; without any weight, the estimate is NaN."""
    weight = np.minimum(logged.weight, clip)
    total = weight.sum()
    if not total:
        return Estimate(np.full(logged.slates, np.nan))
    mean = float((weight * logged.reward).sum() / total)
    return Estimate(logged.per_slate(mean + weight * (logged.reward - mean) * len(logged) / total))


def direct(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by the model of rewards alone."""
    return Estimate(logged.per_slate(_above(logged, clip) * logged.expected))


def doubly_robust(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by the model of rewards, corrected by the weighted errors of its predictions."""
    correction = np.minimum(logged.weight, clip) * (logged.reward - logged.predicted)
    return Estimate(logged.per_slate(_above(logged, clip) * logged.expected + correction))


def switch_doubly_robust(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate as `doubly_robust`, without the correction of the actions whose weight is above `clip`."""
    weight = np.where(logged.weight <= clip, logged.weight, 0.0)
    correction = weight * (logged.reward - logged.predicted)
    return Estimate(logged.per_slate(_above(logged, clip) * logged.expected + correction))


def _above(logged: LoggedRewards, clip: float) -> Floats:
    """Return the weights of the actions above each action [n]; a clip below 1 must not cut those as logged."""
    return np.minimum(logged.before, max(clip, 1.0))


ESTIMATORS: Mapping[str, Estimator] = {
    "ips": ips,
    "snips": snips,
    "direct": direct,
    "dr": doubly_robust,
    "switch_dr": switch_doubly_robust,
}
