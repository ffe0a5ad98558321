"""Exponentially decayed counters in flat arrays.

Decay is applied forward (Cormode et al., "Forward decay", ICDE 2009): an event at time t adds
``weight · 2^((t − L) / half_life)`` to its cell, and reading at time T multiplies by ``2^(−(T − L) / half_life)``.
So adding is O(1), there is no time per cell, and old cells cost nothing until they are read.

The landmark L of a half-life is the start of the current epoch of 64 half-lives. When an epoch begins, all cells
shrink by exactly 2^-64, a power of two, so that cells never depend on how the log was cut into batches.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.state.growing import grown

EPOCH_HALF_LIVES = 64


class DecayedCounters:
    """Counters of articles and of groups of articles, decayed at several half-lives, on one clock.

    `articles` and `groups` are [rows, counters, half-lives], in units of the current epochs: see `read`.

    Args:
        counters: how many counters a row has.
        half_lives: in microseconds.
    """

    def __init__(self, counters: int, half_lives: tuple[int, ...]) -> None:
        self.half_lives = np.asarray(half_lives, dtype=np.int64)
        self.articles: NDArray[np.float64] = np.zeros((0, counters, len(half_lives)))
        self.groups: NDArray[np.float64] = np.zeros((0, counters, len(half_lives)))
        self.epochs: NDArray[np.int64] = np.zeros(len(half_lives), dtype=np.int64)
        self._period = self.half_lives * EPOCH_HALF_LIVES
        self._spread = np.arange(len(half_lives))

    def reserve(self, articles: int, groups: int) -> None:
        """Make room for row ids below these."""
        self.articles = grown(self.articles, articles)
        self.groups = grown(self.groups, groups)

    def add(
        self,
        articles: NDArray[np.integer],
        groups: tuple[NDArray[np.integer], ...],
        counter: NDArray[np.integer],
        times: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        """Add `weights` [n] to `counter` [n] of articles [n] and of each row of groups [n], at `times` [n].

        Times are microseconds, and the largest is the last.
        """
        grown_nh = self._growth(times) * weights[:, None]
        _add(self.articles, articles, counter, self._spread, grown_nh)
        for rows in groups:
            _add(self.groups, rows, counter, self._spread, grown_nh)

    def read(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Decayed counts [n, counters, half-lives] of articles `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.articles[rows] * self._decay(at))

    def read_groups(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Decayed counts [n, counters, half-lives] of groups `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.groups[rows] * self._decay(at))

    def _decay(self, at: int) -> NDArray[np.float64]:
        return np.asarray(np.exp2(-(at - self.epochs * self._period) / self.half_lives))

    def _growth(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        epochs_nh, within_nh = np.divmod(times[:, None], self._period)
        self._advance(epochs_nh[-1])
        return np.ldexp(np.exp2(within_nh / self.half_lives), EPOCH_HALF_LIVES * (epochs_nh - self.epochs))

    def _advance(self, epochs_h: NDArray[np.int64]) -> None:
        steps = np.maximum(epochs_h - self.epochs, 0)
        if steps.any():
            self.articles = np.ldexp(self.articles, -EPOCH_HALF_LIVES * steps)
            self.groups = np.ldexp(self.groups, -EPOCH_HALF_LIVES * steps)
            self.epochs = self.epochs + steps


def _add(
    table: NDArray[np.float64],
    rows: NDArray[np.integer],
    counter: NDArray[np.integer],
    spread: NDArray[np.int64],
    values_nh: NDArray[np.float64],
) -> None:
    width, depth = table.shape[1:]
    cells_n = (rows * np.int64(width) + counter) * depth
    # add.at adds one by one in the order given: any cut into batches gives the same sums, bit for bit
    np.add.at(table.reshape(-1), (cells_n[:, None] + spread).reshape(-1), values_nh.reshape(-1))
