"""The seam between interest models and the rest: what goes in, what comes out. numpy only."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reads:
    """A reader's history as interest models take it, oldest first.

    vectors: unit vectors [h, d]; seconds: dwell, NaN where unknown [h]; age: hours since it was opened [h].
    """

    vectors: NDArray[np.float32]
    seconds: NDArray[np.float64]
    age: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vectors)

    def without(self, item: int) -> "Reads":
        """The same history with one item left out."""
        return Reads(
            np.delete(self.vectors, item, axis=0), np.delete(self.seconds, item), np.delete(self.age, item)
        )


@dataclass(frozen=True, slots=True)
class Match:
    """How well candidates fit a history. scores: [n]; attention: weight of each read [h], sums to 1."""

    scores: NDArray[np.float64]
    attention: NDArray[np.float64]


class Matcher(Protocol):
    """An interest model. `as_of` (microseconds) lets training pick the model that knew nothing later."""

    def match(self, reads: Reads, candidates: NDArray[np.float32], as_of: int) -> Match:
        """Score `candidates`, unit vectors [n, d]. An empty history scores all alike: 0."""
        ...

    def interests(self, reads: Reads, as_of: int) -> NDArray[np.float32]:
        """Unit query vectors [k, d] in the space of article vectors, for retrieval; [0, d] without history."""
        ...


def no_match(reads: Reads, candidates: NDArray[np.float32]) -> Match:
    """What an empty history says: nothing."""
    return Match(np.zeros(len(candidates)), np.zeros(len(reads)))
