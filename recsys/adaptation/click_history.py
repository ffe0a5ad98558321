"""Clicks of readers as sorted arrays: the reads before a moment, and pairs of articles read in one session."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import MINUTE

SESSION = 30 * MINUTE
"""Clicks of one reader at most this far apart belong to one session; the log's reader has no session ids."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClickHistory:
    """Clicks sorted by reader, then by the time at which they were known; arrays [n].

    readers: the ids, sorted; reader: index of the reader of each click; article: row of the article; at, known_at:
    microseconds.
    """

    readers: list[str]
    reader: Ints
    article: Ints
    at: Ints
    known_at: Ints

    @classmethod
    def of(cls, clicks: pl.DataFrame) -> Self:
        """Build from a frame with the columns reader, row, at and known_at."""
        clicks = clicks.sort("reader", "known_at", "at", "row")
        readers = clicks["reader"].unique().sort()
        code = readers.search_sorted(clicks["reader"]).to_numpy() if len(clicks) else np.zeros(0)
        columns = (clicks[name].to_numpy().astype(np.int64) for name in ("row", "at", "known_at"))
        return cls(readers.to_list(), code.astype(np.int64), *columns)

    def __len__(self) -> int:
        return len(self.article)

    def reads_before(self, readers: list[str], at: Ints, count: int) -> Ints:
        """Return the articles of the last `count` clicks known before `at` [n], newest first, −1 for none.

        Returns:
            Rows of articles, [n, count].
        """
        if not len(self):
            return np.full((len(at), count), -1, dtype=np.int64)
        code_of = {reader: code for code, reader in enumerate(self.readers)}
        code = np.asarray([code_of.get(reader, -1) for reader in readers], dtype=np.int64)
        times = np.unique(self.known_at)
        width = len(times) + 1  # reader and time in one sortable number
        keys = self.reader * width + np.searchsorted(times, self.known_at)
        first = np.searchsorted(keys, code * width)
        end = np.searchsorted(keys, code * width + np.searchsorted(times, at))
        places = end[:, None] - 1 - np.arange(count)
        inside = (places >= first[:, None]) & (code >= 0)[:, None]
        return np.where(inside, self.article[np.where(inside, places, 0)], -1)

    def read_together(self, before: int) -> Ints:
        """Return distinct pairs of articles that one reader opened one after the other in one session, [p, 2].

        They are in the order of the first time that it happened.

        before: only clicks known before this time count, microseconds.
        """
        rows = np.flatnonzero(self.known_at < before)
        rows = rows[np.lexsort((rows, self.at[rows], self.reader[rows]))]
        one, other = rows[:-1], rows[1:]
        near = (self.reader[one] == self.reader[other]) & (self.at[other] - self.at[one] <= SESSION)
        pairs = np.stack([self.article[one[near]], self.article[other[near]]], axis=1)
        different = pairs[:, 0] != pairs[:, 1]
        pairs, at = np.sort(pairs[different], axis=1), self.at[other[near][different]]
        order = np.lexsort((pairs[:, 1], pairs[:, 0], at))
        _, first = np.unique(pairs[order], axis=0, return_index=True)
        return pairs[order][np.sort(first)]
