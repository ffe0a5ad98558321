"""Clock of receipt times: microseconds since 1970-01-01 UTC, each given once."""

import threading
import time


class Clock:
    """Strictly increasing wall-clock time."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, count: int = 1) -> int:
        """Return the first of `count` consecutive times that were not given before."""
        with self._lock:
            first = max(time.time_ns() // 1_000, self._last + 1)
            self._last = first + count - 1
            return first

    def at_least(self, known_at: int) -> None:
        """Never give a time up to `known_at` again: the log already has it."""
        with self._lock:
            self._last = max(self._last, known_at)
