"""Interface of interest models: their input, their output and the `Matcher` protocol. numpy only."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.dwell_quantiles import click_noise, quantiles

EVIDENCE = ("taste", "content", "mean")
"""Matches that the preference network adds to its own: of what the reader was shown (`ranking.kernel_taste`), the
untrained match, and the cosine to the mean of the reads. 0 where unknown.
"""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ReadHistory:
    """Reads of one reader, oldest first. Compared by identity, so that results can be cached per instance.

    vectors: unit vectors [h, d]; seconds: dwell, NaN where unknown [h]; age: hours since the article was opened
    [h]; quantile: the reader's own, length-adjusted quantile of the dwell, NaN where unknown [h]; noise: share of
    the reader's clicks that bounce.
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
        """Build a history, with quantiles of dwell relative to `expected` [h].

        `expected` is the time in seconds that each article takes.
        """
        return cls(vectors, seconds, age, quantiles(seconds, expected), float(click_noise(seconds)))

    def __len__(self) -> int:
        return len(self.vectors)

    def last(self, count: int) -> "ReadHistory":
        """Return the newest `count` reads as a new history."""
        return self._at(slice(max(len(self) - count, 0), None))

    def without(self, item: int) -> "ReadHistory":
        """Return the history without one item; the quantiles of the others do not change."""
        return self._at(np.arange(len(self)) != item)

    def _at(self, places: slice | NDArray[np.bool_]) -> "ReadHistory":
        return ReadHistory(
            self.vectors[places], self.seconds[places], self.age[places], self.quantile[places], self.noise
        )


@dataclass(frozen=True, slots=True)
class Match:
    """Fit of candidates to a history. scores: [n]; attention: weight of each read [h], sums to 1."""

    scores: NDArray[np.float64]
    attention: NDArray[np.float64]


class Matcher(Protocol):
    """Interest model. `as_of` (microseconds) lets training select the model trained on earlier data only."""

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:
        """Score `candidates`, unit vectors [n, d]. An empty history scores all of them 0."""
        ...

    def with_evidence(
        self, scores: NDArray[np.float64], evidence: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        """Return the weighted sum of `scores` [n] of `match` and of `evidence` [n, len(EVIDENCE)]."""
        ...

    def leave_one_out_scores(
        self, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        """Return scores [m, n] of `candidates`, each with one of `items` [m] removed from the history."""
        ...

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:
        """Return unit query vectors [k, d] in article space, for retrieval; [0, d] without history."""
        ...


def mask_one_read(
    matcher: Matcher, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
) -> NDArray[np.float64]:
    """Implement `Matcher.leave_one_out_scores` with one `match` per item."""
    scores = [matcher.match(reads.without(int(item)), candidates, as_of).scores for item in items]
    return np.asarray(scores).reshape(len(items), len(candidates))


def no_match(reads: ReadHistory, candidates: NDArray[np.float32]) -> Match:
    """Return the match of an empty history: all zeros."""
    return Match(np.zeros(len(candidates)), np.zeros(len(reads)))
