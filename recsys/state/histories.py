"""Recent reads of each reader: a ring buffer, 12 bytes an entry.

An entry is one read: its click, dwell, scroll depth and explicit feedback. A behaviour updates the reader's newest
entry of that article if the entry was opened within 30 minutes and lies in the two newest pages of the ring (the
last 9 to 16 entries); otherwise it creates a new entry.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import MINUTE, SECOND
from recsys.state.event_codes import READ, SCROLLED
from recsys.state.flat_arrays import PAGE, Rings, grow

_JOIN_WITHIN = 30 * MINUTE // SECOND
_MAX_SECONDS = 2**16 - 1
_FIELDS = (
    ("article", np.int32),
    ("opened", np.uint32),
    ("seconds", np.uint16),
    ("scroll", np.uint8),
    ("flags", np.uint8),
)


@dataclass(frozen=True, slots=True)
class History:
    """Reads of one reader, oldest first.

    article: dense article ids [h]; opened: time of opening, microseconds [h]; seconds: dwell, NaN where unknown
    [h]; scroll: percent, NaN where unknown [h]; flags: bits of `state.event_codes` [h].
    """

    article: NDArray[np.int64]
    opened: NDArray[np.int64]
    seconds: NDArray[np.float64]
    scroll: NDArray[np.float64]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.article)

    def where(self, mask: NDArray[np.bool_]) -> "History":
        """Return the reads where `mask` [h] is True."""
        return History(
            self.article[mask], self.opened[mask], self.seconds[mask], self.scroll[mask], self.flags[mask]
        )


class Histories:
    """Ring buffers of reads for all readers."""

    def __init__(self, length: int = 64) -> None:
        self.rings = Rings(length)
        self.fields: dict[str, NDArray[np.generic]] = {name: np.zeros(0, dtype=kind) for name, kind in _FIELDS}
        self._refresh()

    def restore(self, fields: dict[str, NDArray[np.generic]]) -> None:
        """Load the arrays of a snapshot."""
        self.fields = fields
        self._refresh()

    def record(self, reader: int, article: int, flag: int, at: int, value: float) -> None:
        """Fold one behaviour, given as its bits `flag`. `value`: seconds of a read, percent of a scroll."""
        end = at // SECOND
        opened = max(0, end - int(value)) if flag == READ else end
        slot = self._joined(reader, article, opened)
        if slot < 0:
            slot = self._open(reader, article, opened)
        self._flags[slot] |= flag
        if flag == READ:
            self._seconds[slot] = min(round(value), _MAX_SECONDS)
        elif flag == SCROLLED:
            self._scroll[slot] = min(round(value), 100)

    def of(self, reader: int, most: int) -> History:
        """Return the last `most` reads of `reader`; none for a negative id."""
        slots = self.rings.recent(reader, most) if reader >= 0 else np.zeros(0, dtype=np.int64)
        flags = self.fields["flags"][slots].astype(np.uint8)
        return History(
            article=self.fields["article"][slots].astype(np.int64),
            opened=self.fields["opened"][slots].astype(np.int64) * SECOND,
            seconds=np.where(flags & READ, self.fields["seconds"][slots].astype(np.float64), np.nan),
            scroll=np.where(flags & SCROLLED, self.fields["scroll"][slots].astype(np.float64), np.nan),
            flags=flags,
        )

    def _joined(self, reader: int, article: int, opened: int) -> int:
        last = self.rings.count(reader) - 1
        page = last - last % PAGE
        filled = last % PAGE + 1
        while last >= 0 and page > last - 2 * PAGE and page >= 0:
            start = self.rings.slot(reader, page)
            ids = self._article[start : start + filled].tolist()
            if article in ids:
                slot = start + len(ids) - 1 - ids[::-1].index(article)
                return slot if abs(self._opened[slot] - opened) <= _JOIN_WITHIN else -1
            page, filled = page - PAGE, PAGE
        return -1

    def _open(self, reader: int, article: int, opened: int) -> int:
        slot = self.rings.push(reader)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self._refresh()
        self._article[slot] = article
        self._opened[slot] = opened
        self._seconds[slot] = self._scroll[slot] = self._flags[slot] = 0
        return slot

    def _refresh(self) -> None:
        self._article, self._opened, self._seconds, self._scroll, self._flags = (
            self.fields[name].data for name, _ in _FIELDS
        )
