"""What each reader was lately shown: a ring of exposures, 8 bytes an entry."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import SECOND
from recsys.state.growing import grown
from recsys.state.rings import Rings


class Exposures:
    """Rings of (article, second shown) for all readers."""

    def __init__(self, length: int = 64) -> None:
        self.rings = Rings(length)
        self.article: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.shown: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self._refresh()

    def restore(self, article: NDArray[np.int32], shown: NDArray[np.uint32]) -> None:
        """Take over the arrays of a snapshot."""
        self.article, self.shown = article, shown
        self._refresh()

    def record(self, reader: int, article: int, at: int) -> None:
        """Fold one exposure at `at` (microseconds)."""
        slot = self.rings.push(reader)
        if slot >= len(self._article):
            self.article = grown(self.article, self.rings.slots)
            self.shown = grown(self.shown, len(self.article))
            self._refresh()
        self._article[slot] = article
        self._shown[slot] = at // SECOND

    def of(self, reader: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Dense article ids [e] and times [e] (microseconds) of what `reader` was shown, oldest first."""
        slots = self.rings.recent(reader, self.rings.length) if reader >= 0 else np.zeros(0, dtype=np.int64)
        return self.article[slots].astype(np.int64), self.shown[slots].astype(np.int64) * SECOND

    def slate_with(self, reader: int, article: int) -> NDArray[np.int64]:
        """What `reader` was shown in the second that `article` was last shown, each once [n]; empty if never."""
        slots = self.rings.recent(reader, self.rings.length)
        shown, articles = self.shown[slots].tolist(), self.article[slots].tolist()
        if article not in articles:
            return np.zeros(0, dtype=np.int64)
        then = shown[len(shown) - 1 - articles[::-1].index(article)]
        slate = [other for other, at in zip(articles, shown, strict=True) if at == then]
        # in the order shown: sums over a slate must not depend on dense ids, which depend on who came first
        return np.asarray(list(dict.fromkeys(slate)), dtype=np.int64)

    def _refresh(self) -> None:
        self._article, self._shown = self.article.data, self.shown.data
