"""Recent reads of each reader: a ring buffer, 17 bytes an entry.

An entry is one read: its click, dwell, scroll depth and explicit feedback. A behaviour updates the reader's newest
entry of that article if the entry was opened within `VISIT_GAP` and lies in the two newest pages of the ring (the
last 9 to 16 entries); otherwise it creates a new entry.

The dwell may come in parts (heartbeats). A `read` without a click of its own, less than `VISIT_GAP` after the last
`read` of the entry, continues it: its seconds are added, and the reading goes on as long as parts follow. A `read`
with a click of its own begins the reading anew: each click is followed by one such `read`.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from recsys.constants import VISIT_GAP
from recsys.domain import SECOND
from recsys.state.event_codes import CLICKED, READ, SCROLLED
from recsys.state.flat_arrays import PAGE, Rings, grow

_JOIN_WITHIN = VISIT_GAP // SECOND
_MAX_SECONDS = 2**16 - 1
_CONTINUED = 128
"""Bit of `clicks`: the dwell came in several parts. The lower bits count clicks that no `read` followed yet."""

BEGINS = -1.0
"""Result of `Histories.record` for a behaviour that continues no reading."""

_FIELDS = (
    ("article", np.int32),
    ("opened", np.uint32),
    ("seconds", np.float32),
    ("ended", np.uint16),
    ("scroll", np.uint8),
    ("flags", np.uint8),
    ("clicks", np.uint8),
)
"""`ended`: seconds from the opening to the end of the newest `read`. Seconds add up, so they are not rounded."""


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

    def record(self, reader: int, article: int, flag: int, at: int, value: float) -> float:
        """Fold one behaviour, given as its bits `flag`. `value`: seconds of a read, percent of a scroll.

        Return the seconds of the reading before this part if it continues one, else `BEGINS`.
        """
        end = at // SECOND
        opened = max(0, end - int(value)) if flag == READ else end
        slot = self._joined(reader, article, opened, flag)
        if slot < 0:
            slot = self._open(reader, article, opened)
        if flag == READ:
            return self._read(slot, end, value)
        self._flags[slot] |= flag
        if flag == CLICKED:
            self._clicks[slot] = min(self._clicks[slot] & ~_CONTINUED, _CONTINUED - 2) + 1
        elif flag == SCROLLED:
            self._scroll[slot] = min(round(value), 100)
        return BEGINS

    def _read(self, slot: int, end: int, value: float) -> float:
        clicks, before = self._clicks[slot], BEGINS
        if clicks & ~_CONTINUED:
            self._clicks[slot] = clicks - 1
        elif self._flags[slot] & READ:
            before = self._seconds[slot]
            self._clicks[slot] = _CONTINUED
        self._flags[slot] |= READ
        self._seconds[slot] = min(max(before, 0.0) + value, _MAX_SECONDS)
        self._ended[slot] = min(max(end - self._opened[slot], self._ended[slot], 0), _MAX_SECONDS)
        return before

    def of(self, reader: int, most: int) -> History:
        """Return the last `most` reads of `reader`; none for a negative id."""
        slots = self.rings.recent(reader, most) if reader >= 0 else np.zeros(0, dtype=np.int64)
        flags = self.fields["flags"][slots].astype(np.uint8)
        return History(
            article=self.fields["article"][slots].astype(np.int64),
            opened=self.fields["opened"][slots].astype(np.int64) * SECOND,
            seconds=np.where(flags & READ, np.rint(self.fields["seconds"][slots].astype(np.float64)), np.nan),
            scroll=np.where(flags & SCROLLED, self.fields["scroll"][slots].astype(np.float64), np.nan),
            flags=flags,
        )

    def _joined(self, reader: int, article: int, opened: int, flag: int) -> int:
        last = self.rings.count(reader) - 1
        page = last - last % PAGE
        filled = last % PAGE + 1
        while last >= 0 and page > last - 2 * PAGE and page >= 0:
            start = self.rings.slot(reader, page)
            ids = self._article[start : start + filled].tolist()
            if article in ids:
                slot = start + len(ids) - 1 - ids[::-1].index(article)
                near = abs(self._opened[slot] - opened) <= _JOIN_WITHIN
                return slot if near or self._goes_on(slot, opened, flag) else -1
            page, filled = page - PAGE, PAGE
        return -1

    def _goes_on(self, slot: int, opened: int, flag: int) -> bool:
        """Return True if a reading in parts goes on beyond the usual time: until a click begins another one."""
        clicks = self._clicks[slot]
        part = flag == READ and self._flags[slot] & READ and not clicks & ~_CONTINUED
        in_parts = clicks & _CONTINUED and flag != CLICKED
        return bool(part or in_parts) and 0 <= opened - self._opened[slot] < self._ended[slot] + _JOIN_WITHIN

    def _open(self, reader: int, article: int, opened: int) -> int:
        slot = self.rings.push(reader)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self._refresh()
        self._article[slot] = article
        self._opened[slot] = opened
        self._seconds[slot] = self._ended[slot] = 0
        self._scroll[slot] = self._flags[slot] = self._clicks[slot] = 0
        return slot

    def _refresh(self) -> None:
        columns = {name: self.fields[name].data for name, _ in _FIELDS}
        self._article, self._opened, self._ended = columns["article"], columns["opened"], columns["ended"]
        self._scroll, self._flags, self._clicks = columns["scroll"], columns["flags"], columns["clicks"]
        self._seconds = cast("memoryview[float]", columns["seconds"])
