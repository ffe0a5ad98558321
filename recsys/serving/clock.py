"""Clock of receipt times: microseconds since 1970-01-01 UTC, each given once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Strictly increasing wall-clock time."""

    def __init__(self) -> None:
        self._last = 0
        self._uncommitted: set[int] = set()
        self._lock = threading.Lock()

    def next(self, count: int = 1) -> int:
        """Return the first of `count` consecutive times that were not given before."""
        with self._lock:
            return self._next(count)

    def at_least(self, known_at: int) -> None:
        """Never give a time up to `known_at` again: the log already has it."""
        with self._lock:
            self._last = max(self._last, known_at)

    @contextmanager
    def stamping(self, count: int, after: int) -> Iterator[int]:
        """Give `count` receipt times later than `after` to rows that are committed within the block.

        Yields the first one. Until the block ends, `committed` is not later than it.
        """
        with self._lock:
            self._last = max(self._last, after)
            first = self._next(count)
            self._uncommitted.add(first)
        try:
            yield first
        finally:
            with self._lock:
                self._uncommitted.discard(first)

    def committed(self) -> int:
        """Return a time such that every row of this process with an earlier receipt time is committed."""
        with self._lock:
            return min(self._uncommitted) if self._uncommitted else self._next(1)

    def _next(self, count: int) -> int:
        first = max(time.time_ns() // 1_000, self._last + 1)
        self._last = first + count - 1
        return first
