"""Flat arrays of the state: arrays that grow by doubling, and ring buffers of fixed length per reader.

Rings live in shared pages that are allocated as a ring fills: a reader with three entries pays for one page (of
eight by default), not for a whole ring. `Rings` only hands out slots; the values of a slot are in arrays of its
user, which have `Rings.slots` rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = 8


def grow(array: NDArray[Any], rows: int, fill: float = 0) -> NDArray[Any]:
    """Return `array` if it has at least `rows` rows, else a copy with room for twice as many rows."""
    have = array.shape[0]
    if rows <= have:
        return array
    # zeros cost nothing before they are touched: a large table is written once, not twice
    larger = np.zeros((max(rows, 2 * have, 16), *array.shape[1:]), dtype=array.dtype)
    larger[:have] = array
    if fill:
        larger[have:] = fill
    return larger


class Rings:
    """Slots for the last `length` entries of each reader. `length` is a multiple of `page`."""

    def __init__(self, length: int, page: int = PAGE) -> None:
        if length % page:
            raise ValueError(f"ring length {length} is not a multiple of {page}")
        self.length = length
        self._page = page
        self.pages_used = 0
        self._pages_per_reader = length // page
        self.counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.table: NDArray[np.int32] = np.zeros((0, self._pages_per_reader), dtype=np.int32)
        self._refresh()

    @property
    def slots(self) -> int:
        """How many slots exist: arrays indexed by slot need this many rows."""
        return self.pages_used * self._page

    def restore(self, counts: NDArray[np.int64], table: NDArray[np.int32], pages_used: int) -> None:
        """Take over what a snapshot holds."""
        self.counts, self.table, self.pages_used = counts, table, pages_used
        self._refresh()

    def reserve(self, readers: int) -> None:
        """Make room for reader ids below `readers`."""
        if readers > len(self.counts):
            self.counts = grow(self.counts, readers)
            self.table = grow(self.table, len(self.counts), fill=-1)
            self._refresh()

    def push(self, reader: int) -> int:
        """Slot for a new entry of `reader`; once the ring is full, that of its oldest entry."""
        count = self._count[reader]
        within = count % self.length
        place = reader * self._pages_per_reader + within // self._page
        page = self._pages[place]
        if page < 0:
            page = self.pages_used
            self._pages[place] = page
            self.pages_used = page + 1
        self._count[reader] = count + 1
        return page * self._page + within % self._page

    def slot(self, reader: int, entry: int) -> int:
        """Slot of the `entry`-th entry of `reader`, counted from the first ever; it must still be in the ring."""
        within = entry % self.length
        page = self._pages[reader * self._pages_per_reader + within // self._page]
        return page * self._page + within % self._page

    def count(self, reader: int) -> int:
        """How many entries were ever pushed for `reader`."""
        return self._count[reader]

    def recent(self, reader: int, most: int) -> NDArray[np.int64]:
        """Slots of the last `most` entries of `reader` still held, oldest first."""
        count = self._count[reader]
        entries = np.arange(max(0, count - min(most, self.length)), count) % self.length
        pages = self.table[reader, entries // self._page].astype(np.int64)
        return np.asarray(pages * self._page + entries % self._page)

    def _refresh(self) -> None:
        # a memoryview reads and writes single numbers several times faster than its array
        self._count = self.counts.data
        self._pages = self.table.reshape(-1).data
