"""Flat arrays of the state: arrays that grow by doubling, and ring buffers of fixed length per reader.

Rings use shared pages, allocated as a ring fills: a reader with three entries uses one page (of eight entries by
default), not a whole ring. `Rings` only assigns slots; the caller keeps the values of the slots in its own arrays,
of `Rings.slots` rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = 8


def grow(array: NDArray[Any], rows: int, fill: float = 0) -> NDArray[Any]:
    """Return `array` if it has at least `rows` rows, else a copy with room for twice as many rows."""
    size = array.shape[0]
    if rows <= size:
        return array
    # np.zeros does not touch memory: a large table is written once, not twice
    larger = np.zeros((max(rows, 2 * size, 16), *array.shape[1:]), dtype=array.dtype)
    larger[:size] = array
    if fill:
        larger[size:] = fill
    return larger


class Rings:
    """Slots of the last `length` entries of each reader. `length` is a multiple of `page`."""

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
        """Number of slots: arrays indexed by slot need this many rows."""
        return self.pages_used * self._page

    def restore(self, counts: NDArray[np.int64], table: NDArray[np.int32], pages_used: int) -> None:
        """Load the counts and the page table of a snapshot."""
        self.counts, self.table, self.pages_used = counts, table, pages_used
        self._refresh()

    def reserve(self, readers: int) -> None:
        """Make room for reader ids below `readers`."""
        if readers > len(self.counts):
            self.counts = grow(self.counts, readers)
            self.table = grow(self.table, len(self.counts), fill=-1)
            self._refresh()

    def push(self, reader: int) -> int:
        """Return the slot for a new entry of `reader`; a full ring reuses the slot of its oldest entry."""
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
        """Return the slot of the `entry`-th entry of `reader` since the first; it must still be in the ring."""
        within = entry % self.length
        page = self._pages[reader * self._pages_per_reader + within // self._page]
        return page * self._page + within % self._page

    def count(self, reader: int) -> int:
        """Return the number of entries ever pushed for `reader`."""
        return self._count[reader]

    def recent(self, reader: int, most: int) -> NDArray[np.int64]:
        """Return the slots of the last `most` entries of `reader` in the ring, oldest first."""
        count = self._count[reader]
        entries = np.arange(max(0, count - min(most, self.length)), count) % self.length
        pages = self.table[reader, entries // self._page].astype(np.int64)
        return np.asarray(pages * self._page + entries % self._page)

    def all_recent(self, readers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the slots [n] of all entries of `readers` [r] in their rings, and the index of its reader."""
        filled = np.minimum(self.counts[readers], self.length)
        owner, entry = np.nonzero(np.arange(self.length) < filled[:, None])
        pages = self.table[readers[owner], entry // self._page].astype(np.int64)
        return pages * self._page + entry % self._page, owner

    def _refresh(self) -> None:
        # a memoryview reads and writes single numbers several times faster than its array
        self._count = self.counts.data
        self._pages = self.table.reshape(-1).data
