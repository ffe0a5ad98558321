"""What the dwell of past reads says: the quantile of each, how noisy the reader's clicks are, what was important.

Dwell is judged as a share of what the article takes, so that a long article is no proof of interest; and against
the reader's other reads, so that a slow reader is no keen one. NaN stands for what is not known or not there.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS

LEAST_QUANTILE = 0.02
"""ε: the weakest of fifty reads; a smaller one would shut a read out altogether."""

IMPORTANT_QUANTILE, IMPORTANT_SCROLL = 0.5, 80.0
"""Reads at or above the reader's own middle, or scrolled as far as this in percent, were important."""

_TYPICAL_NOISE, _TYPICAL_WEIGHT = 0.1, 5.0

Floats = NDArray[np.float64]
F = TypeVar("F", bound=np.floating)


def quantiles(seconds: Floats, expected: Floats) -> Floats:
    """The reader's own quantile in (0, 1] of each read's dwell [.., h], NaN where dwell is unknown.

    `expected` [.., h]: seconds that each article takes. Equal shares have the middle of their ranks.
    """
    share = seconds / expected
    below = (share[..., None, :] < share[..., :, None]).sum(axis=-1)
    equal = (share[..., None, :] == share[..., :, None]).sum(axis=-1)
    known = ~np.isnan(share)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(known, (below + (equal + 1) / 2) / count, np.nan))


def click_noise(seconds: Floats) -> Floats:
    """Share of the reader's clicks that lead to nothing [..]: bounces among reads of known dwell [.., h].

    A short history is drawn to one bounce in ten, as if five reads had been seen already.
    """
    known, bounced = ~np.isnan(seconds), seconds < BOUNCE_SECONDS
    typical = _TYPICAL_NOISE * _TYPICAL_WEIGHT
    return np.asarray((bounced.sum(axis=-1) + typical) / (known.sum(axis=-1) + _TYPICAL_WEIGHT))


def filled(quantile: NDArray[F]) -> NDArray[F]:
    """Quantiles [.., h]; an unknown one is the (lower) middle of the known ones, or 1 if none is known."""
    if not quantile.shape[-1]:
        return quantile
    unknown = np.isnan(quantile)
    count = (~unknown).sum(axis=-1, keepdims=True)
    middle = np.take_along_axis(np.sort(quantile, axis=-1), np.maximum(count - 1, 0) // 2, axis=-1)
    return np.asarray(np.where(unknown, np.where(count > 0, middle, 1.0), quantile), dtype=quantile.dtype)


def dwell_prior(quantile: NDArray[F], noise: float) -> NDArray[F]:
    """noise·log max(q, ε) [.., h], to be scaled by η: 0 for the longest read, below for others.

    A read of unknown dwell counts as `filled` says; without any known, all are 0.
    """
    return np.asarray(noise * np.log(np.maximum(filled(quantile), LEAST_QUANTILE)), dtype=quantile.dtype)


def importance(
    seconds: Floats, quantile: Floats, scroll: Floats, liked: NDArray[np.bool_], hidden: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Known outcome of reads [h]: 1 important, 0 unimportant, −1 where neither can be said.

    What the reader said counts most, then a bounce, then how long and how far they read.
    """
    important = (quantile >= IMPORTANT_QUANTILE) | (scroll >= IMPORTANT_SCROLL)
    chosen = np.select([hidden, liked, seconds < BOUNCE_SECONDS, important], [0, 1, 0, 1], default=-1)
    return chosen.astype(np.int8)
