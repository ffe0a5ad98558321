"""Rewards of logged slates, with the chances of another policy: the input of every estimator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recsys.errors import DataError
from recsys.evaluation.scored_slates import Floats, Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedRewards:
    """Rewards of S slates with up to K actions; an action is the article at one position, from the top.

    A slate with fewer actions ends with a ratio of 1 and zeros.

    Attributes:
        reward: float64 [S, K].
        ratio: chance of the action under the target policy, given the actions above, over its propensity in the
            log, float64 [S, K], ≥ 0.
        predicted: reward of the action and of all below it, by a model that was not trained on them,
            float64 [S, K].
        expected: mean of that over the target policy's choices, float64 [S, K].
        reader: reader of the slate, the same number for all slates of one reader, int64 [S].

    Raises:
        DataError: the arrays do not fit each other, or hold values that are not finite.
    """

    reward: Floats
    ratio: Floats
    predicted: Floats
    expected: Floats
    reader: Ints

    def __post_init__(self) -> None:
        if self.reward.ndim != 2:
            raise DataError(f"rewards need one row a slate and one column a position: not {self.reward.shape}")
        for name in ("reward", "ratio", "predicted", "expected"):
            values = getattr(self, name)
            if values.shape != self.reward.shape:
                raise DataError(f"{name} has {values.shape} values for {self.reward.shape} actions: give one each")
            if not np.isfinite(values).all():
                raise DataError(f"{name} has values that are not finite: leave those actions out")
        if self.ratio.size and self.ratio.min() < 0:
            raise DataError("a ratio is negative: propensities and chances must be from 0 to 1")
        if self.reader.shape != self.reward.shape[:1]:
            raise DataError(f"{len(self.reader)} readers for {len(self.reward)} slates: give each its reader")

    def __len__(self) -> int:
        return len(self.reader)

    def weights(self, limited: Callable[[Floats], Floats] = np.asarray) -> tuple[Floats, Floats]:
        """Return the weight of each action [S, K], and that of the actions above it, which is 1 at the top.

        The weight is the product of the ratios down to the action. limited: what is done to the weights of each
        position before they are multiplied on, [S] → [S].
        """
        weight, above = np.empty_like(self.ratio), np.ones_like(self.ratio)
        for position in range(self.ratio.shape[1]):
            if position:
                above[:, position] = weight[:, position - 1]
            weight[:, position] = limited(above[:, position] * self.ratio[:, position])
        return weight, above

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
        zero = np.zeros((len(reward), 1))
        return cls(
            reward=reward[:, None],
            ratio=(target / propensity)[:, None],
            predicted=zero,
            expected=zero,
            reader=np.arange(len(reward), dtype=np.int64) if reader is None else reader,
        )
