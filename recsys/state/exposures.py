"""Recent exposures of each reader and their outcomes: a ring buffer, 10 bytes an entry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS
from recsys.domain import SECOND
from recsys.state.flat_arrays import Rings, grow
from recsys.state.position_bias import MOST_PLACES
from recsys.state.vocabulary import Vocabulary

SKIPPED, CLICKED, BOUNCED, READ = range(4)
"""Outcome of an exposure. CLICKED: a click without a known dwell."""

_FIELDS = (("article", np.int32), ("shown", np.uint32), ("place", np.uint8), ("outcome", np.uint8))
RING_LENGTH = 1024
"""Exposures of a reader that the state remembers."""

EXPOSURES_PAGE = 32
ATTRIBUTION_PAGES = 3
"""A click is attributed to an exposure in this number of newest pages of the ring: the last 65 to 96."""


@dataclass(frozen=True, slots=True)
class AttributedClick:
    """One click on a slate: all articles of the slate, their places (0: no order), and the clicked index."""

    articles: list[int]
    places: list[int]
    chosen: int


@dataclass(frozen=True, slots=True)
class ExposureOutcomes:
    """Exposures of a reader, oldest first, all [e].

    article: dense ids; at: seconds since 1970; place: from 1, 0 without an order; outcome: see `SKIPPED`.
    """

    article: NDArray[np.int64]
    at: NDArray[np.int64]
    place: NDArray[np.uint8]
    outcome: NDArray[np.uint8]


class Exposures:
    """Rings of (article, second shown, place, outcome) for all readers."""

    def __init__(self, length: int = RING_LENGTH) -> None:
        self.rings = Rings(length, EXPOSURES_PAGE)
        self.fields: dict[str, NDArray[np.generic]] = {name: np.zeros(0, dtype=kind) for name, kind in _FIELDS}
        self._refresh()

    def reserve(self, readers: Vocabulary) -> None:
        """Make room for all `readers`."""
        self.rings.reserve(len(readers))

    def restore(self, fields: dict[str, NDArray[np.generic]]) -> None:
        """Load the arrays of a snapshot."""
        self.fields = fields
        self._refresh()

    def record(self, reader: int, article: int, at: int, place: int = 0) -> None:
        """Fold one exposure at `at` (microseconds); `place` counts from 1, 0 without a meaningful order."""
        slot = self.rings.push(reader)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self._refresh()
        self._article[slot] = article
        self._shown[slot] = at // SECOND
        self._place[slot] = place if place < MOST_PLACES else MOST_PLACES
        self._outcome[slot] = SKIPPED

    def attribute_click(self, reader: int, article: int) -> AttributedClick | None:
        """Mark the newest exposure of `article` as clicked; return None without a recent exposure.

        The slate consists of the exposures in the second in which the article was last shown, each article once,
        in the order shown: sums over a slate must not depend on dense ids, which depend on the order of arrival.
        """
        entry = self._newest(reader, article)
        if entry < 0:
            return None
        slot, shown = self.rings.slot, self._shown
        clicked = slot(reader, entry)
        self._outcome[clicked] = max(self._outcome[clicked], CLICKED)
        then = shown[clicked]
        first, newest = entry, self.rings.count(reader) - 1
        oldest = max(0, newest + 1 - self.rings.length)
        while first > oldest and shown[slot(reader, first - 1)] == then:
            first -= 1
        while entry < newest and shown[slot(reader, entry + 1)] == then:
            entry += 1
        slots = [slot(reader, each) for each in range(first, entry + 1)]
        places = {self._article[each]: self._place[each] for each in slots}
        return AttributedClick(list(places), list(places.values()), list(places).index(article))

    def read(self, reader: int, article: int, seconds: float) -> None:
        """Set the outcome of a clicked exposure from the dwell in seconds."""
        entry = self._newest(reader, article)
        if entry >= 0:
            slot = self.rings.slot(reader, entry)
            if self._outcome[slot] != SKIPPED:
                self._outcome[slot] = BOUNCED if seconds < BOUNCE_SECONDS else READ

    def of(self, reader: int, most: int = 64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return dense article ids [e] and times [e] (microseconds) of the last `most` exposures, oldest first."""
        slots = self._recent(reader, most)
        article, shown = (self.fields[name][slots].astype(np.int64) for name in ("article", "shown"))
        return article, shown * SECOND

    def outcomes(self, reader: int) -> ExposureOutcomes:
        """Return all exposures of `reader` in the ring; none for a negative id."""
        slots = self._recent(reader, self.rings.length)
        article, at = (self.fields[name][slots].astype(np.int64) for name in ("article", "shown"))
        place, outcome = (self.fields[name][slots].astype(np.uint8) for name in ("place", "outcome"))
        return ExposureOutcomes(article, at, place, outcome)

    def _recent(self, reader: int, most: int) -> NDArray[np.int64]:
        return self.rings.recent(reader, most) if reader >= 0 else np.zeros(0, dtype=np.int64)

    def _newest(self, reader: int, article: int) -> int:
        """Return the newest entry of `reader` with `article` in the attribution pages, or −1."""
        last = self.rings.count(reader) - 1
        page, filled = last - last % EXPOSURES_PAGE, last % EXPOSURES_PAGE + 1
        for _ in range(min(ATTRIBUTION_PAGES, self.rings.length // EXPOSURES_PAGE)):
            if page < 0:
                break
            start = self.rings.slot(reader, page)
            ids = self._article[start : start + filled].tolist()
            if article in ids:
                return page + len(ids) - 1 - ids[::-1].index(article)
            page, filled = page - EXPOSURES_PAGE, EXPOSURES_PAGE
        return -1

    def _refresh(self) -> None:
        self._article, self._shown, self._place, self._outcome = (self.fields[name].data for name, _ in _FIELDS)
