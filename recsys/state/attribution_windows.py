"""Exposures of readers whom another shard holds: only what clicks of theirs can still change in articles.

A click moves the ratings of the articles of its slate, and the slate is found among the last exposures of its
reader. So these are kept: a ring of the pages in which `Exposures` attributes clicks, 5 bytes an entry. Times are
not; a slate is a run of exposures in one second, and a bit marks an entry that continues the run before it.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import SECOND
from recsys.state.exposures import ATTRIBUTION_PAGES, EXPOSURES_PAGE, RING_LENGTH, AttributedClick
from recsys.state.flat_arrays import Rings, grow
from recsys.state.position_bias import MOST_PLACES

WINDOW_PAGE = EXPOSURES_PAGE // 2
WINDOW_PAGES = 2 * ATTRIBUTION_PAGES + 1
"""Pages of a ring: those in which clicks are attributed, and 16 to 32 entries before, for the first slate."""

_FIELDS = (("article", np.int32), ("place", np.uint8))

Head = NDArray[np.int32]
"""Entries of a slate that the ring has lost [h, 2]: article and place, oldest first."""

_NO_HEAD: Head = np.zeros((0, 2), dtype=np.int32)


class AttributionWindows:
    """Windows of the readers of other shards, by row: these readers have dense numbers of their own.

    Attributes:
        rings: slots of the entries.
        fields: `article`, ~article if the entry continues the slate of the entry before it, and `place`.
        second: second of the newest exposure by row.
        heads: beginnings of slates so long that the ring has lost them, by row; there are few.
    """

    def __init__(self) -> None:
        self.rings = Rings(WINDOW_PAGES * WINDOW_PAGE, WINDOW_PAGE)
        self.fields: dict[str, NDArray[np.generic]] = {name: np.zeros(0, dtype=kind) for name, kind in _FIELDS}
        self.second: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self.heads: dict[int, Head] = {}
        self.refresh()

    def reserve(self, rows: int) -> None:
        """Make room for rows below `rows`."""
        self.rings.reserve(rows)
        if rows > len(self.second):
            self.second = grow(self.second, rows)
            self.refresh()

    def record(self, row: int, article: int, at: int, place: int = 0) -> None:
        """Fold one exposure, as `Exposures.record` does."""
        count, second = self.rings.count(row), at // SECOND
        goes_on = count > 0 and self._second[row] == second
        if count % WINDOW_PAGE == 0 and count >= self.rings.length:
            self._lose_oldest(row, count)
        slot = self.rings.push(row)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self.refresh()
        self._article[slot] = ~article if goes_on else article
        self._place[slot] = place if place < MOST_PLACES else MOST_PLACES
        self._second[row] = second

    def attribute_click(self, row: int, article: int) -> AttributedClick | None:
        """Return the slate of a click, as `Exposures.attribute_click` does."""
        count = self.rings.count(row)
        start = max(0, (count - 1) // WINDOW_PAGE + 1 - WINDOW_PAGES) * WINDOW_PAGE
        articles, places = self._entries(row, start, count)
        ids = [~each if each < 0 else each for each in articles]
        within = ids[window_start(count) - start :]
        if article not in within:
            return None
        first = newest = len(ids) - 1 - within[::-1].index(article)
        while first > 0 and articles[first] < 0:
            first -= 1
        end = newest + 1
        while end < len(ids) and articles[end] < 0:
            end += 1
        slate: dict[int, int] = {}
        if articles[first] < 0:  # a whole ring would have this much of it
            slate.update(self.heads.get(row, _NO_HEAD)[-(RING_LENGTH - len(ids)) :].tolist())
        slate.update(zip(ids[first:end], places[first:end], strict=True))
        return AttributedClick(list(slate), list(slate.values()), list(slate).index(article))

    def refresh(self) -> None:
        """Adopt changed arrays."""
        self._article, self._place = (self.fields[name].data for name, _ in _FIELDS)
        self._second = self.second.data

    def _entries(self, row: int, start: int, end: int) -> tuple[list[int], list[int]]:
        """Return the entries number `start`, which begins a page, to `end`: `article` as stored, and `place`."""
        articles: list[int] = []
        places: list[int] = []
        for page in range(start, end, WINDOW_PAGE):
            first = self.rings.slot(row, page)
            last = first + min(WINDOW_PAGE, end - page)
            articles += self._article[first:last].tolist()
            places += self._place[first:last].tolist()
        return articles, places

    def _lose_oldest(self, row: int, count: int) -> None:
        """Remember the beginning of a slate that reaches the window, before entry `count` overwrites it."""
        start = count - self.rings.length
        kept, _ = self._entries(row, start + WINDOW_PAGE, window_start(count + 1) + 1)
        if any(each >= 0 for each in kept):
            self.heads.pop(row, None)
            return
        articles, places = self._entries(row, start, start + WINDOW_PAGE)
        begin = next((entry for entry in range(WINDOW_PAGE - 1, -1, -1) if articles[entry] >= 0), 0)
        lost = [(~each if each < 0 else each, place) for each, place in zip(articles, places, strict=True)][begin:]
        before = self.heads.get(row, _NO_HEAD) if articles[begin] < 0 else _NO_HEAD
        self.heads[row] = np.concatenate((before, np.asarray(lost, dtype=np.int32)))[-RING_LENGTH:]


def window_start(count: int) -> int:
    """Return the first entry of a reader with `count` entries to which `Exposures` attributes a click."""
    return max(0, (count - 1) // EXPOSURES_PAGE + 1 - ATTRIBUTION_PAGES) * EXPOSURES_PAGE
