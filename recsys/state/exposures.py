"""What each reader was lately shown, and what came of it: a ring of exposures, 10 bytes an entry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS
from recsys.domain import SECOND
from recsys.state.flat_arrays import Rings, grow
from recsys.state.position_bias import MOST_PLACES

SKIPPED, CLICKED, BOUNCED, READ = range(4)
"""What came of an exposure. CLICKED is a click with nothing known of the reading."""

_FIELDS = (("article", np.int32), ("shown", np.uint32), ("place", np.uint8), ("outcome", np.uint8))
_PAGE = 32
_ANSWERABLE_PAGES = 3
"""An answer is to an exposure in so many newest pages of the ring: the last 65 to 96."""


@dataclass(frozen=True, slots=True)
class AttributedClick:
    """What one click chose from: articles of the slate, their places (0 where order means nothing), and which."""

    articles: list[int]
    places: list[int]
    chosen: int


@dataclass(frozen=True, slots=True)
class ExposureOutcomes:
    """Exposures of a reader, oldest first, all [e]: dense article ids, places from 1 (0: no order), outcomes."""

    article: NDArray[np.int64]
    place: NDArray[np.uint8]
    outcome: NDArray[np.uint8]


class Exposures:
    """Rings of (article, second shown, place, outcome) for all readers."""

    def __init__(self, length: int = 1024) -> None:
        self.rings = Rings(length, _PAGE)
        self.fields: dict[str, NDArray[np.generic]] = {name: np.zeros(0, dtype=kind) for name, kind in _FIELDS}
        self._refresh()

    def restore(self, fields: dict[str, NDArray[np.generic]]) -> None:
        """Take over the arrays of a snapshot."""
        self.fields = fields
        self._refresh()

    def record(self, reader: int, article: int, at: int, place: int = 0) -> None:
        """Fold one exposure at `at` (microseconds), at a `place` from 1, or 0 where the order means nothing."""
        slot = self.rings.push(reader)
        if slot >= len(self._article):
            self.fields = {name: grow(array, self.rings.slots) for name, array in self.fields.items()}
            self._refresh()
        self._article[slot] = article
        self._shown[slot] = at // SECOND
        self._place[slot] = place if place < MOST_PLACES else MOST_PLACES
        self._outcome[slot] = SKIPPED

    def attribute_click(self, reader: int, article: int) -> AttributedClick | None:
        """Note that `reader` took `article`; None if it was not among what they were lately shown.

        The slate is what they were shown in the second that the article was last shown, each article once, in the
        order shown: sums over a slate must not depend on dense ids, which depend on who came first.
        """
        entry = self._newest(reader, article)
        if entry < 0:
            return None
        slot, shown = self.rings.slot, self._shown
        mine = slot(reader, entry)
        self._outcome[mine] = max(self._outcome[mine], CLICKED)
        then = shown[mine]
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
        """Note how long the reading of what `reader` took lasted."""
        entry = self._newest(reader, article)
        if entry >= 0:
            slot = self.rings.slot(reader, entry)
            if self._outcome[slot] != SKIPPED:
                self._outcome[slot] = BOUNCED if seconds < BOUNCE_SECONDS else READ

    def of(self, reader: int, most: int = 64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Dense article ids [e] and times [e] (microseconds) of the last `most` exposures, oldest first."""
        slots = self._recent(reader, most)
        article, shown = (self.fields[name][slots].astype(np.int64) for name in ("article", "shown"))
        return article, shown * SECOND

    def outcomes(self, reader: int) -> ExposureOutcomes:
        """All that is kept of `reader`; a negative id has none."""
        slots = self._recent(reader, self.rings.length)
        place, outcome = (self.fields[name][slots].astype(np.uint8) for name in ("place", "outcome"))
        return ExposureOutcomes(self.fields["article"][slots].astype(np.int64), place, outcome)

    def _recent(self, reader: int, most: int) -> NDArray[np.int64]:
        return self.rings.recent(reader, most) if reader >= 0 else np.zeros(0, dtype=np.int64)

    def _newest(self, reader: int, article: int) -> int:
        """The newest entry of `reader` with `article` that can be answered, −1 if there is none."""
        last = self.rings.count(reader) - 1
        page, filled = last - last % _PAGE, last % _PAGE + 1
        for _ in range(min(_ANSWERABLE_PAGES, self.rings.length // _PAGE)):
            if page < 0:
                break
            start = self.rings.slot(reader, page)
            among = self._article[start : start + filled].tolist()
            if article in among:
                return page + len(among) - 1 - among[::-1].index(article)
            page, filled = page - _PAGE, _PAGE
        return -1

    def _refresh(self) -> None:
        self._article, self._shown, self._place, self._outcome = (self.fields[name].data for name, _ in _FIELDS)
