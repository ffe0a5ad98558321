"""Circuit breaker of calibration: it switches a failing calibration off, and raw vectors are served.

It opens on an exception, on numbers that are not finite, and on a flood: a share of flagged words above three
times the normal one. It stays open until a new bundle or a new process creates a new breaker.
"""

import logging
from collections import deque

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

FLOOD = 3.0
"""Factor over the normal share of flagged words."""

WINDOW = 1_000
"""Number of newest texts behind the share."""

LEAST = 100
"""Smallest number of texts for a flood.

With twelve words each and 5% flagged, a flood is 16 standard errors away.
"""


class Breaker:
    """Circuit breaker of calibration. `reason` is None while it is closed.

    Args:
        flag_rate: normal share of flagged words.
    """

    def __init__(self, flag_rate: float) -> None:
        self.reason: str | None = None
        self._max_rate = FLOOD * flag_rate
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)

    @property
    def open(self) -> bool:
        """Return True if calibration is switched off."""
        return self.reason is not None

    def trip(self, reason: str, cause: Exception | None = None) -> None:
        """Open the breaker and log one alert; do nothing if it is open already."""
        if self.reason is None:
            self.reason = reason
            logger.error(
                "attention calibration is switched off: %s; raw vectors are served", reason, exc_info=cause
            )

    def count(self, words: NDArray[np.int64], flagged: NDArray[np.int64]) -> None:
        """Add the number of words [n] and of flagged words [n] of texts; open on a flood."""
        self._recent.extend(zip(words.tolist(), flagged.tolist(), strict=True))
        if len(self._recent) < LEAST:
            return
        all_words, all_flagged = map(sum, zip(*self._recent, strict=True))
        rate = all_flagged / max(all_words, 1)
        if rate > self._max_rate:
            self.trip(
                f"{rate:.1%} of the words of {len(self._recent)} texts are flagged, above {self._max_rate:.1%}"
            )
