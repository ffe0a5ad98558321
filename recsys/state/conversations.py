"""Conversations: which article replies to which one, and the first article of its thread."""

import numpy as np
from numpy.typing import NDArray

from recsys.state.flat_arrays import grow
from recsys.state.vocabulary import UNKNOWN

_DEEPEST = 64
"""Longer chains of replies count as this deep; it also ends a circle of replies."""


class Conversations:
    """Replies by dense article ids; UNKNOWN for an article that replies to nothing or stands in no thread."""

    def __init__(self) -> None:
        self.reply_to: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.thread: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._resolved: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._members: NDArray[np.int64] | None = None
        self._any = False

    def members(self) -> NDArray[np.int64]:
        """Return the articles that reply or name their thread, dense ids in order of arrival."""
        if self._members is None:
            self._members = np.flatnonzero((self.reply_to >= 0) | (self.thread >= 0))
        return self._members

    def reserve(self, rows: int) -> None:
        """Make room for dense ids below `rows`."""
        if rows > len(self.reply_to):
            self.reply_to, self.thread = grow(self.reply_to, rows, UNKNOWN), grow(self.thread, rows, UNKNOWN)
            self._resolved = None

    def set(self, rows: NDArray[np.int64], reply_to: NDArray[np.int64], thread: NDArray[np.int64]) -> None:
        """Set the columns of `rows` [n]."""
        found = bool((reply_to >= 0).any() or (thread >= 0).any())
        if not (found or self._any):
            return  # articles of a newspaper
        self.reply_to[rows], self.thread[rows] = reply_to, thread
        self._any, self._resolved, self._members = True, None, None

    def delete(self, rows: NDArray[np.int64]) -> None:
        """Reset `rows`."""
        nothing = np.full(len(rows), UNKNOWN, dtype=np.int64)
        self.set(rows, nothing, nothing)

    def roots(self) -> NDArray[np.int64]:
        """Return the first article of the thread of every article; an article without a thread is its own."""
        return self._resolve()[0]

    def depths(self) -> NDArray[np.int64]:
        """Return the number of articles above every article in its conversation, at most 64."""
        return self._resolve()[1]

    def _resolve(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Follow all replies upwards together, one step at a time; cached until an article changes."""
        if self._resolved is None:
            at = np.arange(len(self.reply_to))
            depths = np.zeros(len(at), dtype=np.int64)
            for _ in range(_DEEPEST):
                above = self.reply_to[at]
                moving = above >= 0
                if not moving.any():
                    break
                at = np.where(moving, above, at)
                depths += moving
            named = np.where(self.thread >= 0, self.thread, at)
            # a reply without a thread of its own belongs to the thread of the first article that is known
            self._resolved = np.where(self.thread[named] >= 0, self.thread[named], named), depths
        return self._resolved
