"""Exponentially decayed counters in flat arrays.

Decay is applied forward (Cormode et al., "Forward decay", ICDE 2009): an event at time t adds
``weight · 2^((t − L) / half_life)`` to its cell, and a read at time T multiplies by ``2^(−(T − L) / half_life)``.
Adding is O(1), cells store no time, and old cells cost nothing until they are read.

The landmark L of a half-life is the start of the current epoch of 64 half-lives. When an epoch begins, all cells
are scaled by exactly 2^-64, a power of two, so that cells do not depend on how the log was cut into batches.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.state.flat_arrays import grow

EPOCH_HALF_LIVES = 64


class DecayedCounters:
    """Counters of articles and of groups of articles, decayed at several half-lives.

    `articles` and `groups` are [rows, counters, half-lives], in units of the current epochs: see `read`. Both are
    views of one table, groups first, so that one call adds an event to all its rows.

    Args:
        counters: number of counters per row.
        half_lives: in microseconds.
    """

    def __init__(self, counters: int, half_lives: tuple[int, ...]) -> None:
        self.half_lives = np.asarray(half_lives, dtype=np.int64)
        self._period = self.half_lives * EPOCH_HALF_LIVES
        self._cells = np.arange(counters * len(half_lives)).reshape(counters, len(half_lives))
        empty = np.zeros((0, counters, len(half_lives)))
        self.restore(empty, empty, np.zeros(len(half_lives), dtype=np.int64))

    def restore(
        self, articles: NDArray[np.float64], groups: NDArray[np.float64], epochs: NDArray[np.int64]
    ) -> None:
        """Load the tables and epochs [half-lives] of a snapshot."""
        self._set_table(np.concatenate((groups, articles)), len(groups))
        self._begin_epochs(epochs)

    def reserve(self, articles: int, groups: int) -> None:
        """Make room for row ids below these."""
        if articles > len(self.articles) or groups > len(self.groups):
            larger = grow(self.groups, groups)
            self._set_table(np.concatenate((larger, grow(self.articles, articles))), len(larger))

    def add(
        self,
        articles: NDArray[np.integer],
        groups: NDArray[np.integer],
        counters: NDArray[np.integer],
        times: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        """Add `weights` [n, k] to `counters` [n, k] of articles [n] and of each of their groups [n, g].

        `times` [n] are microseconds; the last must be the largest.
        """
        values_nkh = weights[:, :, None] * self._growth(times)[:, None, :]
        rows_nr = np.empty((len(articles), 1 + groups.shape[1]), dtype=np.int64)
        rows_nr[:, 0] = articles
        rows_nr[:, 0] += len(self.groups)
        rows_nr[:, 1:] = groups
        rows_nr *= self._cells.size
        cells_nrkh = rows_nr[:, :, None, None] + self._cells.take(counters, axis=0)[:, None]
        added_nrkh = values_nkh[:, None].repeat(rows_nr.shape[1], axis=1)
        # add.at adds one by one in the given order: every cut into batches gives the same sums, bit for bit
        np.add.at(self._flat, cells_nrkh.reshape(-1), added_nrkh.reshape(-1))

    def read(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Return decayed counts [n, counters, half-lives] of articles `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.articles.take(rows, axis=0) * self._decay(at))

    def read_groups(self, rows: NDArray[np.integer], at: int) -> NDArray[np.float64]:
        """Return decayed counts [n, counters, half-lives] of groups `rows` [n] as of `at` (microseconds)."""
        return np.asarray(self.groups.take(rows, axis=0) * self._decay(at))

    def read_longest(self, rows: NDArray[np.integer], counters: tuple[int, ...], at: int) -> NDArray[np.float64]:
        """Return `counters` [c] of articles `rows` [n] at the longest half-life as of `at` [n, c]."""
        return np.asarray(self.articles[rows[:, None], np.asarray(counters), -1] * self._decay(at)[-1])

    def _decay(self, at: int) -> NDArray[np.float64]:
        return np.asarray(np.exp2(-(at - self._landmarks) / self.half_lives))

    def _growth(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        if times[-1] >= self._next_epoch:
            self._advance(int(times[-1]))
        # rows from before the epoch have negative epochs: they shrink by exact powers of two, like the cells
        epochs_nh, within_nh = np.divmod(times[:, None] - self._landmarks, self._period)
        return np.asarray(np.ldexp(np.exp2(within_nh / self.half_lives), epochs_nh * EPOCH_HALF_LIVES))

    def _advance(self, at: int) -> None:
        epochs = np.maximum(at // self._period, self.epochs)
        self._set_table(np.ldexp(self._table, EPOCH_HALF_LIVES * (self.epochs - epochs)), len(self.groups))
        self._begin_epochs(epochs)

    def _set_table(self, table: NDArray[np.float64], groups: int) -> None:
        self._table, self._flat = table, table.reshape(-1)
        self.groups, self.articles = table[:groups], table[groups:]

    def _begin_epochs(self, epochs: NDArray[np.int64]) -> None:
        self.epochs = epochs
        self._landmarks = epochs * self._period
        self._next_epoch = int((self._landmarks + self._period).min())
