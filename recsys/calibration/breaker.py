"""A circuit breaker: calibration that misbehaves is switched off, and feeds go on with the raw vectors.

It opens at an exception, at numbers that are not finite, and at a flood: a share of flagged words above three
times the normal one. It stays open: a new bundle or a new process brings a new, closed one.
"""

import logging
from collections import deque

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

FLOOD = 3.0
"""Times the normal share of flagged words."""

WINDOW = 1_000
"""Texts, the newest ones, that the share is taken of."""

LEAST = 100
"""Texts before a share is judged: with twelve words each and 5% flagged, a flood is 16 standard errors away."""


class Breaker:
    """Closed until something goes wrong, then open for good; `reason` tells what it was.

    Args:
        flag_rate: normal share of flagged words.
    """

    def __init__(self, flag_rate: float) -> None:
        self.reason: str | None = None
        self._most = FLOOD * flag_rate
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)

    @property
    def open(self) -> bool:
        """Whether calibration is switched off."""
        return self.reason is not None

    def trip(self, reason: str, cause: Exception | None = None) -> None:
        """Open, and raise the one alert; an open breaker stays as it is."""
        if self.reason is None:
            self.reason = reason
            logger.error("attention calibration is switched off: %s; raw vectors serve", reason, exc_info=cause)

    def count(self, words: NDArray[np.int64], flagged: NDArray[np.int64]) -> None:
        """Take in how many words texts had [n] and how many were flagged [n]; a flood opens."""
        self._recent.extend(zip(words.tolist(), flagged.tolist(), strict=True))
        if len(self._recent) < LEAST:
            return
        all_words, all_flagged = map(sum, zip(*self._recent, strict=True))
        rate = all_flagged / max(all_words, 1)
        if rate > self._most:
            self.trip(f"{rate:.1%} of the words of {len(self._recent)} texts are flagged, above {self._most:.1%}")
