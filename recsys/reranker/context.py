"""What features see of one request: all arrays are aligned with its n candidates unless said otherwise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.state.histories import History
from recsys.state.live import LiveState

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InterestScores:
    """How well candidates match the reader. All [n].

    preference: the preference network; content: untrained match (both 0 without history); nearest: cosine to the
    nearest read; last: cosine to the last read (both NaN without history or vector).
    """

    preference: FloatArray
    content: FloatArray
    nearest: FloatArray
    last: FloatArray


@dataclass(frozen=True, slots=True)
class RankingContext:
    """One request at one moment. Features read it and change nothing.

    as_of: microseconds; rows: dense article ids [n]; reader: dense reader id, negative if never met;
    history: the reader's readings, oldest first; positions: place in the slate shown [n] when training on
    ordered slates, None when serving (the one sanctioned skew).
    """

    state: LiveState
    as_of: int
    rows: NDArray[np.int64]
    reader: int
    history: History
    interest: InterestScores
    device: str | None = None
    positions: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of features: one column per name, [n, len(names)] from `compute`."""

    name: str
    names: tuple[str, ...]
    compute: Callable[[RankingContext], FloatArray]


def setwise_percentile(column: FloatArray) -> FloatArray:
    """Share of the candidates below each candidate, ties half [n]; set-wise: it depends on the other candidates.

    NaN stays NaN and counts for nobody.
    """
    known = ~np.isnan(column)
    out = np.full(len(column), np.nan)
    values = np.sort(column[known])
    if len(values):
        below = np.searchsorted(values, column[known], side="left")
        upto = np.searchsorted(values, column[known], side="right")
        out[known] = (below + upto) / (2 * len(values))
    return out
