"""Follows of readers: sorted pairs of (reader, subject) in both directions, 16 bytes a pair."""

import numpy as np
from numpy.typing import NDArray

from recsys.state.log_batch import Follows

_BITS = 32
_LOW = (1 << _BITS) - 1


class FollowGraph:
    """Set of pairs (reader, subject). Subjects are codes of `Catalog.authors`: authors, and topics or sources.

    A pair is one integer, reader in the high half, so that the subjects of a reader are neighbours. Changes wait
    in a dictionary until the next question, and are then merged at once.
    """

    def __init__(self) -> None:
        self._pairs: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._reverse: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._changes: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self.pairs())

    def restore(self, pairs: NDArray[np.int64]) -> None:
        """Load the pairs of a snapshot, which are sorted."""
        self._pairs, self._reverse, self._changes = pairs, np.sort(_turned(pairs)), {}

    def apply(self, follows: Follows) -> None:
        """Fold changes, in the fold's order: the last one of a pair holds."""
        pairs = (follows.reader << _BITS) | follows.subject
        self._changes.update(zip(pairs.tolist(), follows.begins.tolist(), strict=True))

    def pairs(self) -> NDArray[np.int64]:
        """Return all pairs [e] in ascending order, each as one integer."""
        if self._changes:
            changed = np.fromiter(self._changes, dtype=np.int64, count=len(self._changes))
            begins = np.fromiter(self._changes.values(), dtype=np.bool_, count=len(self._changes))
            kept = self._pairs[~np.isin(self._pairs, changed)]
            self.restore(np.sort(np.concatenate((kept, changed[begins]))))
        return self._pairs

    def subjects_of(self, reader: int) -> NDArray[np.int64]:
        """Return the codes [f] of what `reader` follows, ascending; none for a negative id."""
        return _second(self.pairs(), reader)

    def followers_of(self, subject: int) -> NDArray[np.int64]:
        """Return the readers [f] who follow `subject`, ascending; none for a negative code."""
        self.pairs()
        return _second(self._reverse, subject)

    def follower_counts(self, subjects: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the number of followers of each of `subjects` [n]; 0 for a negative code."""
        self.pairs()
        first = subjects.astype(np.int64) << _BITS
        begin, end = (np.searchsorted(self._reverse, first + more) for more in (0, 1 << _BITS))
        return np.where(subjects >= 0, end - begin, 0)

    def follows(self, readers: NDArray[np.integer], subjects: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return True for each pair of `readers` and `subjects` in the graph; the arguments are broadcast."""
        pairs = self.pairs()
        if not len(pairs):
            return np.zeros(np.broadcast(readers, subjects).shape, dtype=np.bool_)
        sought = (np.asarray(readers, dtype=np.int64) << _BITS) | np.asarray(subjects, dtype=np.int64)
        places = np.minimum(np.searchsorted(pairs, sought), len(pairs) - 1)
        return np.asarray((pairs[places] == sought) & (readers >= 0) & (subjects >= 0))


def _second(pairs: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    if first < 0:
        return np.zeros(0, dtype=np.int64)
    begin, end = np.searchsorted(pairs, (first << _BITS, (first + 1) << _BITS))
    return pairs[begin:end] & _LOW


def _turned(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    return ((pairs & _LOW) << _BITS) | (pairs >> _BITS)
