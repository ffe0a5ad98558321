"""The script's own measure of a reading."""

import time


class Stopwatch:
    """Seconds that run between `start` and `stop`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = time.monotonic()

    def start(self) -> None:
        self._since = time.monotonic()

    def stop(self) -> None:
        self.seconds += time.monotonic() - self._since

    def agrees(self, received: float) -> bool:
        """True if a time that the service received is within a second or 5%."""
        return abs(received - self.seconds) <= max(1.0, 0.05 * self.seconds)
