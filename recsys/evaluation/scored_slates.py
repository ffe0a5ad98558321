"""Scored slates in flat arrays: the input of every metric per impression."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_LABEL = 3


@dataclass(frozen=True, eq=False)
class ScoredSlates:
    """S slates with N candidates in all; slate s has the rows from `offsets[s]` up to `offsets[s + 1]`.

    Attributes:
        scores: float64 [N], larger is better; infinite is allowed, NaN is not.
        labels: int8 [N], graded relevance 0..3; clicked means label > 0.
        offsets: int64 [S + 1], from 0 to N, non-decreasing. A slate may be empty.
        seed: seed of the key that breaks ties of score. The key is random per row and independent of labels, so a
            log that lists clicked candidates first gains nothing from ties.
        tie_order: key to break ties with instead, smallest first [N]; None for the random one.

    Raises:
        DataError: the arrays do not fit each other, a score is NaN, or a label is outside 0..3.
    """

    scores: Floats
    labels: NDArray[np.int8]
    offsets: Ints
    seed: int = 7
    tie_order: Ints | None = None

    def __post_init__(self) -> None:
        _check_offsets(self.offsets, len(self.scores))
        if self.labels.shape != self.scores.shape:
            raise DataError(f"{len(self.labels)} labels for {len(self.scores)} scores")
        nan = np.flatnonzero(np.isnan(self.scores))
        if len(nan):
            slate = int(np.searchsorted(self.offsets, nan[0], side="right")) - 1
            raise DataError(f"{len(nan)} scores are NaN, the first in slate {slate}: the ranking is undefined")
        if len(self.labels) and not (self.labels.min() >= 0 and self.labels.max() <= MAX_LABEL):
            raise DataError(f"labels must lie in 0..{MAX_LABEL}")

    @classmethod
    def of(cls, scores: Sequence[Sequence[float]], labels: Sequence[Sequence[int]], seed: int = 7) -> Self:
        """Build from one list of scores and one of labels per slate.

        Raises:
            DataError: a slate has another number of labels than of scores, or see the class.
        """
        sizes = [len(slate) for slate in scores]
        if sizes != [len(slate) for slate in labels]:
            raise DataError("scores and labels differ in slate sizes")
        return cls(
            np.array([score for slate in scores for score in slate], dtype=np.float64),
            np.array([label for slate in labels for label in slate], dtype=np.int8),
            np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            seed,
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def sizes(self) -> Ints:
        """Return the number of candidates per slate, int64 [S]."""
        return np.diff(self.offsets)

    @cached_property
    def slate(self) -> Ints:
        """Return the slate of each row, int64 [N]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.sizes)

    @cached_property
    def order(self) -> Ints:
        """Return rows slate by slate, best score first, ties by `tie_order` or the seeded key, int64 [N]."""
        key = (
            np.random.default_rng(self.seed).random(len(self.scores)) if self.tie_order is None else self.tie_order
        )
        return np.lexsort((key, -self.scores, self.slate))

    @cached_property
    def ranks(self) -> Ints:
        """Return the rank of each row within its slate, 1 is best, int64 [N]."""
        ranks = np.empty(len(self.scores), dtype=np.int64)
        ranks[self.order] = np.arange(len(ranks)) - np.repeat(self.offsets[:-1], self.sizes) + 1
        return ranks

    @cached_property
    def clicked(self) -> Bools:
        """Return the mask of clicked rows, bool [N]."""
        return self.labels > 0

    @cached_property
    def clicks(self) -> Ints:
        """Return the number of clicked rows per slate, int64 [S]."""
        return np.bincount(self.slate[self.clicked], minlength=len(self)).astype(np.int64)

    @cached_property
    def valid(self) -> Bools:
        """Return the slates with at least one click and one non-click, bool [S]: ranking metrics need both."""
        return (self.clicks > 0) & (self.clicks < self.sizes)

    def keep(self, kept: Bools) -> "ScoredSlates":
        """Return the same slates with only the rows in `kept`, bool [N]."""
        offsets = np.concatenate(([0], np.cumsum(kept)))[self.offsets]
        tie_order = None if self.tie_order is None else self.tie_order[kept]
        return ScoredSlates(self.scores[kept], self.labels[kept], offsets, self.seed, tie_order)

    def total(self, rows: Floats) -> Floats:
        """Sum the values of rows (float64 [N]) per slate, float64 [S]."""
        return np.bincount(self.slate, weights=rows, minlength=len(self)).astype(np.float64)

    def mask_invalid(self, values: Floats) -> Floats:
        """Replace the values of invalid slates by NaN, float64 [S]."""
        return np.where(self.valid, values, np.nan)

    def top(self, items: Ints, k: int) -> Ints:
        """Return the items (int64 [N], ≥ 0) of the k best ranks per slate.

        int64 [S, k], −1 where a slate is shorter.
        """
        best = np.full((len(self), k), -1, dtype=np.int64)
        in_top = self.ranks <= k
        best[self.slate[in_top], self.ranks[in_top] - 1] = items[in_top]
        return best


def _check_offsets(offsets: Ints, rows: int) -> None:
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != rows or np.any(np.diff(offsets) < 0):
        raise DataError(f"offsets must rise from 0 to the number of scores ({rows})")
