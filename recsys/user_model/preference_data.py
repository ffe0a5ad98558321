"""Training data of the preference network: slates with reading histories."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.matcher import ReadHistory


@dataclass(frozen=True, slots=True)
class PreferenceData:
    """S slates, each with the reader's history at that time. Rows index one table of article vectors.

    at: microseconds [S]; reader: the same number for all slates of one reader [S]; reads: article rows [S, H], -1
    as padding; seconds: dwell, NaN where unknown [S, H]; age: hours [S, H]; quantile: of the dwell, NaN where
    unknown and in the padding [S, H]; noise: share of the reader's clicks that bounce [S]; important: known
    outcome of each read, 1, 0, or -1 if unknown [S, H]; candidates: article rows, flat [N]; evidence: other
    matches of each candidate (`matcher.EVIDENCE`) [N, E]; labels: graded [N]; offsets: slate s is
    candidates[offsets[s]:offsets[s+1]], [S + 1].
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
    evidence: NDArray[np.float32]
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]

    def usable(self) -> NDArray[np.int64]:
        """Return the slates [s] with a history, at least one click and at least one non-click."""
        clicked = np.add.reduceat(self.labels > 0, self.offsets[:-1]) if len(self.at) else np.zeros(0)
        sizes = np.diff(self.offsets)
        return np.flatnonzero((self.reads[:, 0] >= 0) & (clicked > 0) & (clicked < sizes))

    def between(self, start: int, end: int) -> NDArray[np.int64]:
        """Return the usable slates [s] with start ≤ at < end."""
        slates = self.usable()
        return slates[(self.at[slates] >= start) & (self.at[slates] < end)]

    def only(self, slates: NDArray[np.int64]) -> Self:
        """Return the data of `slates` [m], in that order."""
        sizes = np.diff(self.offsets)[slates]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[slates] - offsets[:-1], sizes)
        per_slate = ("at", "reader", "reads", "seconds", "age", "quantile", "noise", "important")
        parts = {name: getattr(self, name)[slates] for name in per_slate}
        per_candidate = {name: getattr(self, name)[rows] for name in ("candidates", "evidence", "labels")}
        return type(self)(**parts, **per_candidate, offsets=offsets)

    def history(self, slate: int, vectors: NDArray[np.float32]) -> ReadHistory:
        """Return the reading history of a slate as a request would pass it; `vectors` of articles [rows, d]."""
        present = self.reads[slate] >= 0
        return ReadHistory(
            vectors[self.reads[slate][present]],
            self.seconds[slate][present].astype(np.float64),
            self.age[slate][present].astype(np.float64),
            self.quantile[slate][present].astype(np.float64),
            float(self.noise[slate]),
        )

    def shown(self, slate: int) -> NDArray[np.int32]:
        """Return the article rows [n] of the candidates of a slate."""
        return self.candidates[self.offsets[slate] : self.offsets[slate + 1]]

    def lengths(self, slates: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of reads in the history of each of `slates` [m]."""
        return np.asarray((self.reads[slates] >= 0).sum(axis=1))


def sample_pairs(
    data: PreferenceData, slates: NDArray[np.int64], negatives: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one training row per click of `slates`: its slate [m], and places in `candidates` [m, 1 + negatives].

    The click comes first. Negatives are drawn with replacement from the unclicked candidates of the same slate.
    """
    which, places = [], []
    for slate in slates:
        start, end = data.offsets[slate], data.offsets[slate + 1]
        shown, clicked = np.arange(start, end), data.labels[start:end] > 0
        for positive in shown[clicked]:
            which.append(slate)
            places.append(np.concatenate([[positive], rng.choice(shown[~clicked], size=negatives)]))
    return np.asarray(which, dtype=np.int64), np.asarray(places, dtype=np.int64).reshape(-1, 1 + negatives)
