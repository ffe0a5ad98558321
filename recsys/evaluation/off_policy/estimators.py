"""Estimators of the mean reward of a slate under a target policy.

With w the weight of an action, v that of the actions above it, q the predicted reward of the action and of all
below it, and e the mean of q over the target's choices:

    ips         w alone: mean of ``Σ w r`` (Horvitz and Thompson 1952)
    snips       the same, over the mean weight of each position (Swaminathan and Joachims 2015; Precup, Sutton and
                Singh 2000 for each position): bounded by the rewards
    direct      mean of e at the top: trusts the model of rewards alone
    dr          ``Σ v e + w (r − q)`` (Dudík, Langford and Li 2011; Jiang and Li 2016): right if the weights or the
                model are
    switch_dr   the same, but the model alone from the first action on whose weight is above the clip (Wang,
                Agarwal and Dudík 2017)

Weights are products down to a position: the reward of an article may depend on what stands above it (cascade;
McInerney et al. 2020, Kiyohara et al. 2022). The ratio of a position alone says nothing of a whole slate, because
propensities are given the articles above (docs/log/off-policy.md).

`clip` limits large weights; infinity limits none. ips counts those above as the clip. snips and dr shrink a weight
w above 1 to ``w / (1 + ((w − 1) / clip)²)``, after Su, Dimakopoulou, Krishnamurthy and Dudík (2020), who shrink
all. Weights up to 1 stay, because the model, which counts more where weights count less, has noise of its own.
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
    weight, _ = logged.weights(lambda each: np.minimum(each, clip))
    return Estimate((weight * logged.reward).sum(axis=1))


def snips(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by inverse propensity scores over their own mean; without any weight, the estimate is NaN."""
    weight, _ = logged.weights(lambda each: _shrunk(each, clip))
    total = weight.mean(axis=0)
    if not total.all():
        return Estimate(np.full(len(logged), np.nan))
    mean = (weight * logged.reward).mean(axis=0) / total
    return Estimate((mean + weight * (logged.reward - mean) / total).sum(axis=1))


def direct(logged: LoggedRewards, _: float = inf) -> Estimate:
    """Estimate by the model of rewards alone."""
    return Estimate(logged.expected[:, 0])


def doubly_robust(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate by the model of rewards, corrected by the weighted errors of its predictions."""
    return _corrected(logged, lambda each: _shrunk(each, clip))


def switch_doubly_robust(logged: LoggedRewards, clip: float = inf) -> Estimate:
    """Estimate as `doubly_robust`, without the correction from an action on whose weight is above `clip`."""
    return _corrected(logged, lambda each: np.where(each <= clip, each, 0.0))


def _shrunk(weight: Floats, clip: float) -> Floats:
    return weight / (1 + (np.maximum(weight - 1, 0.0) / clip) ** 2)


def _corrected(logged: LoggedRewards, limited: Callable[[Floats], Floats]) -> Estimate:
    weight, above = logged.weights(limited)
    return Estimate((above * logged.expected + weight * (logged.reward - logged.predicted)).sum(axis=1))


ESTIMATORS: Mapping[str, Estimator] = {
    "ips": ips,
    "snips": snips,
    "direct": direct,
    "dr": doubly_robust,
    "switch_dr": switch_doubly_robust,
}
