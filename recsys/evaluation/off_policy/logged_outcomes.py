"""Rewards and weights from replayed slates: the positions that exploration reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.evaluation.off_policy.feed_replay import ReplayedSlate
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.scored_slates import Bools, Floats, Ints
from recsys.ranking.expected_utility import LONGEST_MINUTES, READING_UTILITY

CLICKS, MINUTES, VALUE = "clicks", "minutes", "value"
"""Rewards of a position: 1 for a click; minutes of reading; 1 for a deep read, ½ for a read of a part."""

_PRIOR_CLICKS = 20.0
"""Expected clicks that the mean of all positions weighs in the scale of one."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoggedOutcomes:
    """The n drawn positions of S slates: those whose propensity is above 0 and below 1.

    rewards: by name, float64 [n]. ratio: chance of the target over the propensity [n]. position: from 0 [n].
    slate: from 0 [n]. predicted, expected: chances of a click, see `SlateChances` [n]. reader: of each slate [S].
    certain: number of positions that were not drawn. unexplored: slates without a drawn position.
    """

    rewards: Mapping[str, Floats]
    ratio: Floats
    position: Ints
    slate: Ints
    predicted: Floats
    expected: Floats
    reader: Ints
    certain: int
    unexplored: int

    @classmethod
    def of(cls, slates: Sequence[ReplayedSlate]) -> "LoggedOutcomes":
        """Return the drawn positions of `slates`."""
        drawn = [_drawn(each) for each in slates]
        kept = [(each, mask) for each, mask in zip(slates, drawn, strict=True) if mask.any()]

        def flat(values: Sequence[Floats]) -> Floats:
            picked = [part[mask] for part, (_, mask) in zip(values, kept, strict=True)]
            return np.concatenate(picked).astype(np.float64) if picked else np.zeros(0)

        labels = flat([each.labels.astype(np.float64) for each, _ in kept]).astype(np.int64)
        minutes = np.nan_to_num(flat([each.seconds for each, _ in kept])) / 60
        names = np.asarray([each.reader for each, _ in kept])
        return cls(
            rewards={
                CLICKS: (labels > 0).astype(np.float64),
                MINUTES: np.minimum(minutes, LONGEST_MINUTES),
                VALUE: READING_UTILITY[labels],
            },
            ratio=flat([each.chances.chance for each, _ in kept]) / flat([each.propensities for each, _ in kept]),
            position=flat([np.arange(len(mask), dtype=np.float64) for _, mask in kept]).astype(np.int64),
            slate=np.repeat(np.arange(len(kept)), [int(mask.sum()) for _, mask in kept]).astype(np.int64),
            predicted=flat([each.chances.predicted for each, _ in kept]),
            expected=flat([each.chances.expected for each, _ in kept]),
            reader=np.unique(names, return_inverse=True)[1].astype(np.int64),
            certain=sum(int((~mask).sum()) for mask in drawn),
            unexplored=len(slates) - len(kept),
        )

    def logged_rewards(self, reward: str) -> LoggedRewards:
        """Return the input of the estimators for one reward.

        Predictions are the clicks of the model, times rewards per predicted click, plus the mean reward below.
        """
        values = self.rewards[reward]
        scale = _scales(values, self.predicted, self.position, self.reader[self.slate])
        flat = LoggedRewards(
            reward=self._by_slate(values, 0.0),
            ratio=self._by_slate(self.ratio, 1.0),
            predicted=self._by_slate(scale * self.predicted, 0.0),
            expected=self._by_slate(scale * self.expected, 0.0),
            reader=self.reader,
        )
        below = _below(flat) * self._by_slate(np.ones(len(values)), 0.0)
        return replace(flat, predicted=flat.predicted + below, expected=flat.expected + below)

    def _by_slate(self, values: Floats, missing: float) -> Floats:
        """Return the values of actions [n] by slate and order in it [S, K]."""
        counts = np.bincount(self.slate, minlength=len(self.reader))
        order = np.arange(len(self.slate)) - np.repeat(counts.cumsum() - counts, counts)
        found = np.full((len(self.reader), int(counts.max(initial=1))), missing)
        found[self.slate, order] = values
        return found


def _drawn(slate: ReplayedSlate) -> Bools:
    return np.asarray((slate.propensities > 0) & (slate.propensities < 1))


def _scales(reward: Floats, predicted: Floats, position: Ints, reader: Ints) -> Floats:
    """Return rewards per predicted click at each position [n], from the other half of the readers.

    So the prediction of an action does not know its own reward, and no estimate is biased by the fit.
    """
    scales, half = np.zeros(len(reward)), reader % 2
    for own in (0, 1):
        other = half != own
        mean = reward[other].sum() / max(predicted[other].sum(), 1e-9)
        size = int(position.max(initial=0)) + 1
        rewards = np.bincount(position[other], weights=reward[other], minlength=size)
        clicks = np.bincount(position[other], weights=predicted[other], minlength=size)
        by_position = (rewards + _PRIOR_CLICKS * mean) / (clicks + _PRIOR_CLICKS)
        scales[half == own] = by_position[position[half == own]]
    return scales


def _below(logged: LoggedRewards) -> Floats:
    """Return the mean reward of the target's slates below each position [S, K], by the other half of the readers.

    It is the part of what follows an action that every action has (Kiyohara et al. 2022 fit all of it). Each
    position is estimated by `snips`.
    """
    weight, _ = logged.weights()
    below = np.zeros_like(weight)
    for own in (0, 1):
        other = logged.reader % 2 != own
        total = np.maximum(weight[other].sum(axis=0), 1e-9)
        mean = (weight[other] * logged.reward[other]).sum(axis=0) / total
        below[~other] = mean[::-1].cumsum()[::-1] - mean
    return below
