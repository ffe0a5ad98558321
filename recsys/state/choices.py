"""What each reader chose and passed over against expectation: a ring of surprises, 8 bytes an entry.

An entry is an article of a slate that the reader answered, and how surprising it was that they took it (up to 1)
or left it (down to −1): see `Ratings.learn`. Tastes are read from it at the time of a request, by whatever is
known of the articles then.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.state.growing import grown
from recsys.state.rings import Rings

LEAST_SURPRISE = 0.05
"""An article that hardly anyone was expected to choose says nothing when it is left."""


class Choices:
    """Rings of (article, surprise) for all readers."""

    def __init__(self, length: int = 128) -> None:
        self.rings = Rings(length)
        self.article: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.surprise: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def restore(self, article: NDArray[np.int32], surprise: NDArray[np.float32]) -> None:
        """Take over the arrays of a snapshot."""
        self.article, self.surprise = article, surprise

    def record(self, reader: int, articles: NDArray[np.int64], surprise: NDArray[np.float64]) -> None:
        """Fold the answer to one slate: `articles` [n] and their `surprise` [n]."""
        telling = np.flatnonzero(np.abs(surprise) >= LEAST_SURPRISE)
        slots = [self.rings.push(reader) for _ in range(len(telling))]
        if self.rings.slots > len(self.article):
            self.article = grown(self.article, self.rings.slots)
            self.surprise = grown(self.surprise, len(self.article))
        # where a slate is longer than the ring, numpy keeps the last of equal slots, as pushing one by one does
        self.article[slots] = articles[telling]
        self.surprise[slots] = surprise[telling]

    def of(self, reader: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Dense article ids [e] and surprises [e] of `reader`, oldest first; a negative id has none."""
        slots = self.rings.recent(reader, self.rings.length) if reader >= 0 else np.zeros(0, dtype=np.int64)
        return self.article[slots].astype(np.int64), self.surprise[slots].astype(np.float64)
