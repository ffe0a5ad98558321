"""Receipt times: microseconds since 1970-01-01 UTC, never the same twice."""

import threading
import time


class Clock:
    """Strictly increasing wall-clock time."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, count: int = 1) -> int:
        """The first of `count` consecutive times that nobody else was given."""
        with self._lock:
            first = max(time.time_ns() // 1_000, self._last + 1)
            self._last = first + count - 1
            return first

    def at_least(self, known_at: int) -> None:
        """Never again give a time up to `known_at`: the log already goes that far."""
        with self._lock:
            self._last = max(self._last, known_at)
