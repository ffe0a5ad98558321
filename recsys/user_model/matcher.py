"""The seam between interest models and the rest: what goes in, what comes out. numpy only."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.dwell_quantiles import click_noise, quantiles


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ReadHistory:
    """A reader's history as interest models take it, oldest first. Each is itself alone, whatever is in it.

    vectors: unit vectors [h, d]; seconds: dwell, NaN where unknown [h]; age: hours since it was opened [h];
    quantile: the reader's own, length-adjusted quantile of the dwell, NaN where unknown [h]; noise: share of the
    reader's clicks that lead to nothing.
    """

    vectors: NDArray[np.float32]
    seconds: NDArray[np.float64]
    age: NDArray[np.float64]
    quantile: NDArray[np.float64]
    noise: float

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        seconds: NDArray[np.float64],
        age: NDArray[np.float64],
        expected: NDArray[np.float64],
    ) -> Self:
        """Judge the dwell of each read against `expected` [h], the seconds that its article takes."""
        return cls(vectors, seconds, age, quantiles(seconds, expected), float(click_noise(seconds)))

    def __len__(self) -> int:
        return len(self.vectors)

    def last(self, count: int) -> "ReadHistory":
        """The newest `count` of them, as a history of their own."""
        kept = slice(max(len(self) - count, 0), None)
        return ReadHistory(self.vectors[kept], self.seconds[kept], self.age[kept], self.quantile[kept], self.noise)

    def without(self, item: int) -> "ReadHistory":
        """The same history with one item left out; the others are judged as before."""
        kept = np.arange(len(self)) != item
        return ReadHistory(self.vectors[kept], self.seconds[kept], self.age[kept], self.quantile[kept], self.noise)


@dataclass(frozen=True, slots=True)
class Match:
    """How well candidates fit a history. scores: [n]; attention: weight of each read [h], sums to 1."""

    scores: NDArray[np.float64]
    attention: NDArray[np.float64]


class Matcher(Protocol):
    """An interest model. `as_of` (microseconds) lets training pick the model that knew nothing later."""

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:
        """Score `candidates`, unit vectors [n, d]. An empty history scores all alike: 0."""
        ...

    def leave_one_out_scores(
        self, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        """Scores [m, n] of `candidates` with each of `items` [m] of the history left out, the others as before."""
        ...

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:
        """Unit query vectors [k, d] in the space of article vectors, for retrieval; [0, d] without history."""
        ...


def mask_one_read(
    matcher: Matcher, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
) -> NDArray[np.float64]:
    """`Matcher.without_each` by asking again for every item."""
    left = [matcher.match(reads.without(int(item)), candidates, as_of).scores for item in items]
    return np.asarray(left).reshape(len(items), len(candidates))


def no_match(reads: ReadHistory, candidates: NDArray[np.float32]) -> Match:
    """What an empty history says: nothing."""
    return Match(np.zeros(len(candidates)), np.zeros(len(reads)))
