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

WINDOW = ATTRIBUTION_PAGES * EXPOSURES_PAGE
"""Most entries of a window."""

_FIELDS = (("article", np.int32), ("place", np.uint8))

Head = list[tuple[int, int]]
"""Entries of a slate that lie before the window, in which the slate goes on: article and place, oldest first."""


class AttributionWindows:
    """Windows of readers, by their rows: dense numbers of these readers alone.

    Attributes:
        rings: slots of the entries.
        fields: `article`, ~article if the entry continues the slate of the entry before it, and `place`.
        second: second of the newest exposure by row.
        heads: beginnings of slates that are longer than their window, by row; there are few.
    """

    def __init__(self) -> None:
        self.rings = Rings(WINDOW, EXPOSURES_PAGE)
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
        if count >= WINDOW and count % EXPOSURES_PAGE == 0:
            self._leave_oldest(row, count)
        slot = self.rings.push(row)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self.refresh()
        self._article[slot] = ~article if goes_on else article
        self._place[slot] = place if place < MOST_PLACES else MOST_PLACES
        self._second[row] = second

    def attribute_click(self, row: int, article: int) -> AttributedClick | None:
        """Return the slate of a click, as `Exposures.attribute_click` does."""
        articles, places = self._window(row)
        ids = [~each if each < 0 else each for each in articles]
        if article not in ids:
            return None
        first = newest = len(ids) - 1 - ids[::-1].index(article)
        while first > 0 and articles[first] < 0:
            first -= 1
        end = newest + 1
        while end < len(ids) and articles[end] < 0:
            end += 1
        slate = dict(self._head(row, len(ids)) if first == 0 and articles[0] < 0 else ())
        slate.update(zip(ids[first:end], places[first:end], strict=True))
        return AttributedClick(list(slate), list(slate.values()), list(slate).index(article))

    def refresh(self) -> None:
        """Adopt changed arrays."""
        self._article, self._place = (self.fields[name].data for name, _ in _FIELDS)
        self._second = self.second.data

    def _window(self, row: int) -> tuple[list[int], list[int]]:
        """Return the entries of the window, oldest first: `article` as stored, and `place`."""
        articles: list[int] = []
        places: list[int] = []
        count = self.rings.count(row)
        newest = (count - 1) // EXPOSURES_PAGE
        for page in range(max(0, newest + 1 - ATTRIBUTION_PAGES), newest + 1):
            start = self.rings.slot(row, page * EXPOSURES_PAGE)
            end = start + min(EXPOSURES_PAGE, count - page * EXPOSURES_PAGE)
            articles += self._article[start:end].tolist()
            places += self._place[start:end].tolist()
        return articles, places

    def _head(self, row: int, filled: int) -> Head:
        """Return the head as far as a whole ring would still have it beside `filled` entries of the window."""
        return self.heads.get(row, [])[-(RING_LENGTH - filled) :]

    def _leave_oldest(self, row: int, count: int) -> None:
        """Remember the beginning of a slate before the oldest page is overwritten by entry `count`."""
        first = self._article[self.rings.slot(row, count - WINDOW + EXPOSURES_PAGE)]
        if first >= 0:
            self.heads.pop(row, None)
            return
        start = self.rings.slot(row, count - WINDOW)
        articles = self._article[start : start + EXPOSURES_PAGE].tolist()
        places = self._place[start : start + EXPOSURES_PAGE].tolist()
        begin = next((place for place in range(EXPOSURES_PAGE - 1, -1, -1) if articles[place] >= 0), 0)
        before = self.heads.get(row, []) if articles[begin] < 0 else []
        ids = (~each if each < 0 else each for each in articles[begin:])
        self.heads[row] = [*before, *zip(ids, places[begin:], strict=True)][-RING_LENGTH:]
