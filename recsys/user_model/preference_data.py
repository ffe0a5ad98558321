"""Slates as the preference network is trained on them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import ReadHistory


@dataclass(frozen=True, slots=True)
class PreferenceData:
    """S slates with the history their reader had then. Rows index one table of article vectors.

    at: microseconds [S]; reader: a number that is the same for slates of one reader [S]; reads: article rows
    [S, H], -1 behind the last; seconds: dwell, NaN where unknown [S, H]; age: hours [S, H]; quantile: of the
    dwell, NaN where unknown and in the padding [S, H]; noise: share of the reader's clicks that lead to nothing
    [S]; important: known outcome of each read, 1, 0, or -1 where it is not known [S, H]; candidates: article
    rows, flat [N]; labels: graded [N]; offsets: slate s is candidates[offsets[s]:offsets[s+1]], [S + 1].
    """

    at: NDArray[np.int64]
    reader: NDArray[np.int64]
    reads: NDArray[np.int32]
    seconds: NDArray[np.float32]
    age: NDArray[np.float32]
    quantile: NDArray[np.float32]
    noise: NDArray[np.float32]
    important: NDArray[np.int8]
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

    def only(self, slates: NDArray[np.int64]) -> Self:
        """The data of `slates` [m] alone, in that order."""
        sizes = np.diff(self.offsets)[slates]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[slates] - offsets[:-1], sizes)
        of_slate = ("at", "reader", "reads", "seconds", "age", "quantile", "noise", "important")
        parts = {name: getattr(self, name)[slates] for name in of_slate}
        return type(self)(**parts, candidates=self.candidates[rows], labels=self.labels[rows], offsets=offsets)

    def history(self, slate: int, vectors: NDArray[np.float32]) -> ReadHistory:
        """What the reader of a slate had read, as a request would bring it; `vectors` of articles [rows, d]."""
        there = self.reads[slate] >= 0
        return ReadHistory(
            vectors[self.reads[slate][there]],
            self.seconds[slate][there].astype(np.float64),
            self.age[slate][there].astype(np.float64),
            self.quantile[slate][there].astype(np.float64),
            float(self.noise[slate]),
        )

    def shown(self, slate: int) -> NDArray[np.int32]:
        """Article rows [n] of the candidates of a slate."""
        return self.candidates[self.offsets[slate] : self.offsets[slate + 1]]

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
