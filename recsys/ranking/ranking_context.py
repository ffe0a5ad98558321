"""What features see of one request: all arrays are aligned with its n candidates unless said otherwise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN

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
    history: the reader's readings, oldest first, without what they hid; had: all of them, dense article ids [m];
    page: dense id of the article whose page the reader is on, negative if none is known;
    positions: place in the slate shown [n] when training on ordered slates, None when serving (the one sanctioned
    skew); setwise: whether set-wise columns are asked for, else they are NaN: who ranks a feed looks at none.
    """

    state: LiveState
    as_of: int
    rows: NDArray[np.int64]
    reader: int
    history: History
    had: NDArray[np.int64]
    interest: InterestScores
    device: str | None = None
    page: int = UNKNOWN
    positions: FloatArray | None = None
    listwise: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    def percentiles(self, columns_nk: FloatArray) -> FloatArray:
        """`listwise_percentiles` of `columns_nk` [n, k] if they are asked for."""
        return listwise_percentiles(columns_nk) if self.listwise else np.full(columns_nk.shape, np.nan)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of features: one column per name, [n, len(names)] from `compute`."""

    name: str
    names: tuple[str, ...]
    compute: Callable[[RankingContext], FloatArray]


def listwise_percentiles(columns_nk: FloatArray) -> FloatArray:
    """Share of the candidates below each candidate, ties half, by column [n, k]: set-wise.

    NaN stays NaN and counts for nobody.
    """
    values_kn = np.ascontiguousarray(columns_nk.T)
    row_k1 = np.arange(values_kn.shape[0])[:, None] * values_kn.shape[1]
    best_last = (np.argsort(values_kn, axis=1) + row_k1).reshape(-1)
    sorted_kn = values_kn.reshape(-1)[best_last].reshape(values_kn.shape)
    # runs of equal values over all columns in one line; a column always begins a new one
    begins_kn = np.ones(sorted_kn.shape, dtype=np.bool_)
    np.not_equal(sorted_kn[:, 1:], sorted_kn[:, :-1], out=begins_kn[:, 1:])
    first = np.flatnonzero(begins_kn)
    behind = np.append(first[1:], begins_kn.size)
    below_and_upto_kn = np.repeat(first + behind, behind - first).reshape(values_kn.shape) - 2 * row_k1
    unknown_kn = np.isnan(sorted_kn)
    known_k1 = np.count_nonzero(~unknown_kn, axis=1, keepdims=True)
    shares_kn = below_and_upto_kn / np.maximum(2 * known_k1, 1)
    shares_kn[unknown_kn] = np.nan
    out = np.empty(values_kn.size)
    out[best_last] = shares_kn.reshape(-1)
    return out.reshape(values_kn.shape).T
