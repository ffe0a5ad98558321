"""Exponentially decayed counters in flat arrays.

Decay is applied forward (Cormode et al., "Forward decay", ICDE 2009): an event at time t adds
``weight · 2^((t − L) / half_life)`` to its cell, and reading at time T multiplies by ``2^(−(T − L) / half_life)``.
So adding is O(1), there is no time per cell, and old cells cost nothing until they are read.

The landmark L of a half-life is the start of the current epoch of 64 half-lives. When an epoch begins, all cells
shrink by exactly 2^-64, a power of two, so that cells never depend on how the log was cut into batches.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.state.flat_arrays import grow

EPOCH_HALF_LIVES = 64


class DecayedCounters:
    """Counters of articles and of groups of articles, decayed at several half-lives, on one clock.

    `articles` and `groups` are [rows, counters, half-lives], in units of the current epochs: see `read`. Both are
    views of one table, groups first, so that an event adds to all its rows in one go.

    Args:
        counters: how many counters a row has.
        half_lives: in microseconds.
    """

    def __init__(self, counters: int, half_lives: tuple[int, ...]) -> None:
        self.half_lives = np.asarray(half_lives, dtype=np.int64)
        self._period = self.half_lives * EPOCH_HALF_LIVES
        self._cells = np.arange(counters * len(half_lives)).reshape(counters, len(half_lives))
        nothing = np.zeros((0, counters, len(half_lives)))
        self.restore(nothing, nothing, np.zeros(len(half_lives), dtype=np.int64))

    def restore(
        self, articles: NDArray[np.float64], groups: NDArray[np.float64], epochs: NDArray[np.int64]
    ) -> None:
        """Take over the tables and epochs [half-lives] of a snapshot."""
        self._hold(np.concatenate((groups, articles)), len(groups))
        self._begin(epochs)

    def reserve(self, articles: int, groups: int) -> None:
        """Make room for row ids below these."""
        if articles > len(self.articles) or groups > len(self.groups):
            larger = grow(self.groups, groups)
            self._hold(np.concatenate((larger, grow(self.articles, articles))), len(larger))

    def add(
        self,
        articles: NDArray[np.integer],
        groups: NDArray[np.integer],
        counters: NDArray[np.integer],
        times: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        """Add `weights` [n, k] to `counters` [n, k] of articles [n] and of each of their groups [n, g].

        `times` [n] are microseconds, and the largest is the last.
        """
        values_nkh = weights[:, :, None] * self._growth(times)[:, None, :]
        rows_nr = np.empty((len(articles), 1 + groups.shape[1]), dtype=np.int64)
        rows_nr[:, 0] = articles
        rows_nr[:, 0] += len(self.groups)
        rows_nr[:, 1:] = groups
        rows_nr *= self._cells.size
        cells_nrkh = rows_nr[:, :, None, None] + self._cells.take(counters, axis=0)[:, None]
        added_nrkh = values_nkh[:, None].repeat(rows_nr.shape[1], axis=1)
        # add.at adds one by one in the order given: any cut into batches gives the same sums, bit for bit
        np.add.at(self._flat, cells_nrkh.reshape(-1), added_nrkh.reshape(-1))

    def read(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Decayed counts [n, counters, half-lives] of articles `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.articles.take(rows, axis=0) * self._decay(at))

    def read_groups(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Decayed counts [n, counters, half-lives] of groups `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.groups.take(rows, axis=0) * self._decay(at))

    def read_longest(self, rows: NDArray[np.integer], counters: tuple[int, ...], at: int) -> NDArray[np.float64]:
        """Some `counters` [c] of articles `rows` [n] at the longest half-life alone, as of `at`: [n, c]."""
        return np.asarray(self.articles[rows[:, None], np.asarray(counters), -1] * self._decay(at)[-1])

    def _decay(self, at: int) -> NDArray[np.float64]:
        return np.asarray(np.exp2(-(at - self._landmarks) / self.half_lives))

    def _growth(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        if times[-1] >= self._next_epoch:
            self._advance(int(times[-1]))
        # rows from before an epoch began have epochs below zero: they shrink by exact powers of two, as cells do
        epochs_nh, within_nh = np.divmod(times[:, None] - self._landmarks, self._period)
        return np.asarray(np.ldexp(np.exp2(within_nh / self.half_lives), epochs_nh * EPOCH_HALF_LIVES))

    def _advance(self, at: int) -> None:
        epochs = np.maximum(at // self._period, self.epochs)
        self._hold(np.ldexp(self._table, EPOCH_HALF_LIVES * (self.epochs - epochs)), len(self.groups))
        self._begin(epochs)

    def _hold(self, table: NDArray[np.float64], groups: int) -> None:
        self._table, self._flat = table, table.reshape(-1)
        self.groups, self.articles = table[:groups], table[groups:]

    def _begin(self, epochs: NDArray[np.int64]) -> None:
        self.epochs = epochs
        self._landmarks = epochs * self._period
        self._next_epoch = int((self._landmarks + self._period).min())
