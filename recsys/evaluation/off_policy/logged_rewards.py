"""Rewards of logged actions, with the weights of another policy: the input of every estimator."""

from dataclasses import dataclass

import numpy as np

from recsys.errors import DataError
from recsys.evaluation.scored_slates import Floats, Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedRewards:
    """Rewards of n logged actions in S slates; an action is the article at one position of one slate.

    Attributes:
        reward: float64 [n].
        weight: chance of the action under the target policy over its propensity in the log, float64 [n], ≥ 0.
        before: the same weight of the actions above it, float64 [n]; 1 where they stand as logged.
        predicted: reward of the action by a model that was not trained on it, float64 [n].
        expected: mean prediction over the target policy's choices at this position, float64 [n].
        slate: slate of the action from 0, int64 [n].
        reader: reader of the slate, the same number for all slates of one reader, int64 [S].

    Raises:
        DataError: the arrays do not fit each other, or hold values that are not finite.
    """

    reward: Floats
    weight: Floats
    before: Floats
    predicted: Floats
    expected: Floats
    slate: Ints
    reader: Ints

    def __post_init__(self) -> None:
        for name in ("reward", "weight", "before", "predicted", "expected"):
            values = getattr(self, name)
            if values.shape != self.slate.shape:
                raise DataError(f"{name} has {values.shape} values for {len(self.slate)} actions: give one each")
            if not np.isfinite(values).all():
                raise DataError(f"{name} has values that are not finite: leave those actions out")
        if len(self.weight) and min(self.weight.min(), self.before.min()) < 0:
            raise DataError("a weight is negative: propensities and chances must be from 0 to 1")
        if len(self.slate) and not 0 <= self.slate.min() <= self.slate.max() < len(self.reader):
            raise DataError(f"slates must be numbered from 0 to {len(self.reader) - 1}")

    def __len__(self) -> int:
        return len(self.slate)

    @property
    def slates(self) -> int:
        """Number of slates, S."""
        return len(self.reader)

    def per_slate(self, values: Floats) -> Floats:
        """Sum the values of actions (float64 [n]) by slate, float64 [S]."""
        return np.bincount(self.slate, weights=values, minlength=self.slates).astype(np.float64)

    @classmethod
    def of_actions(
        cls, reward: Floats, propensity: Floats, target: Floats, reader: Ints | None = None
    ) -> "LoggedRewards":
        """Return the rewards of single actions: n slates of one position each, without a reward model.

        propensity, target: chance of the action in the log and under the target policy, float64 [n].

        Raises:
            DataError: a propensity is not above 0, or see the class.
        """
        if len(propensity) and not propensity.min() > 0:
            raise DataError("a propensity is not above 0: the logged action was impossible")
        rows = np.arange(len(reward), dtype=np.int64)
        zero = np.zeros(len(reward))
        return cls(
            reward=reward,
            weight=target / propensity,
            before=np.ones(len(reward)),
            predicted=zero,
            expected=zero,
            slate=rows,
            reader=rows if reader is None else reader,
        )
