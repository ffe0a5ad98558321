"""Slates as the preference network is trained on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PreferenceData:
    """S slates with the history their reader had then. Rows index one table of article vectors.

    at: microseconds [S]; reads: article rows [S, H], -1 behind the last; seconds: dwell, NaN where unknown
    [S, H]; age: hours [S, H]; candidates: article rows, flat [N]; labels: graded [N]; offsets: slate s is
    candidates[offsets[s]:offsets[s+1]], [S + 1].
    """

    at: NDArray[np.int64]
    reads: NDArray[np.int32]
    seconds: NDArray[np.float32]
    age: NDArray[np.float32]
    candidates: NDArray[np.int32]
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]

    def usable(self) -> NDArray[np.int64]:
        """Slates [s] with a history, a click and something that was not clicked."""
        clicked = np.add.reduceat(self.labels > 0, self.offsets[:-1]) if len(self.at) else np.zeros(0)
        sizes = np.diff(self.offsets)
        return np.flatnonzero((self.reads[:, 0] >= 0) & (clicked > 0) & (clicked < sizes))

    def between(self, start: int, end: int) -> NDArray[np.int64]:
        """Usable slates [s] with start ≤ at < end."""
        slates = self.usable()
        return slates[(self.at[slates] >= start) & (self.at[slates] < end)]

    def lengths(self, slates: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many reads each of `slates` [m] has in its history."""
        return np.asarray((self.reads[slates] >= 0).sum(axis=1))


def sample_pairs(
    data: PreferenceData, slates: NDArray[np.int64], negatives: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """One training row per click of `slates`: its slate [m], and article rows [m, 1 + negatives], click first.

    Negatives are drawn, with replacement, from what the same slate showed and the reader passed over.
    """
    which, rows = [], []
    for slate in slates:
        start, end = data.offsets[slate], data.offsets[slate + 1]
        shown, clicked = data.candidates[start:end], data.labels[start:end] > 0
        for positive in shown[clicked]:
            which.append(slate)
            rows.append(np.concatenate([[positive], rng.choice(shown[~clicked], size=negatives)]))
    return np.asarray(which, dtype=np.int64), np.asarray(rows, dtype=np.int32).reshape(-1, 1 + negatives)
