"""Pauses between attempts, while a broker or the database is away."""

import asyncio
import random
from contextlib import suppress

_FIRST_SECONDS = 0.1
_MOST_SECONDS = 10.0


class BackOff:
    """Pauses that double from 0.1 s up to 10 s, each shortened at random by up to a half, until `stop` is set."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._seconds = _FIRST_SECONDS

    def succeeded(self) -> None:
        """Begin with the shortest pause the next time."""
        self._seconds = _FIRST_SECONDS

    async def pause(self) -> None:
        """Wait; end at once if `stop` is set."""
        seconds = self._seconds * random.uniform(0.5, 1)  # noqa: S311 - spreads attempts, keeps no secret
        self._seconds = min(2 * self._seconds, _MOST_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
