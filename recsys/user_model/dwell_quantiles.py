"""Signals from the dwell of past reads: its quantile per read, the reader's click noise, and importance.

Dwell is divided by the time that the article takes, so that long articles do not look interesting by length, and
compared with the reader's other reads, so that slow readers do not look more interested. NaN means unknown.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS

LEAST_QUANTILE = 0.02
"""ε: the weakest of fifty reads. A smaller value would exclude a read altogether."""

IMPORTANT_QUANTILE, IMPORTANT_SCROLL = 0.5, 80.0
"""A read is important from the reader's own median dwell on, or from this scroll depth in percent on."""

_TYPICAL_NOISE, _TYPICAL_WEIGHT = 0.1, 5.0

Floats = NDArray[np.float64]
F = TypeVar("F", bound=np.floating)


def quantiles(seconds: Floats, expected: Floats) -> Floats:
    """Return the reader's own quantile in (0, 1] of each read's dwell [.., h], NaN where dwell is unknown.

    `expected` [.., h]: seconds that each article takes. Ties get the middle of their ranks.
    """
    share = seconds / expected
    below = (share[..., None, :] < share[..., :, None]).sum(axis=-1)
    equal = (share[..., None, :] == share[..., :, None]).sum(axis=-1)
    known = ~np.isnan(share)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(known, (below + (equal + 1) / 2) / count, np.nan))


def click_noise(seconds: Floats) -> Floats:
    """Return the share of the reader's clicks [..] that bounce, among reads of known dwell [.., h].

    A short history is shrunk toward one bounce in ten, with the weight of five reads.
    """
    known, bounced = ~np.isnan(seconds), seconds < BOUNCE_SECONDS
    typical = _TYPICAL_NOISE * _TYPICAL_WEIGHT
    return np.asarray((bounced.sum(axis=-1) + typical) / (known.sum(axis=-1) + _TYPICAL_WEIGHT))


def filled(quantile: NDArray[F]) -> NDArray[F]:
    """Return quantiles [.., h] without NaN.

    Unknown ones get the lower median of the known ones, or 1 if none is known.
    """
    if not quantile.shape[-1]:
        return quantile
    unknown = np.isnan(quantile)
    count = (~unknown).sum(axis=-1, keepdims=True)
    median = np.take_along_axis(np.sort(quantile, axis=-1), np.maximum(count - 1, 0) // 2, axis=-1)
    return np.asarray(np.where(unknown, np.where(count > 0, median, 1.0), quantile), dtype=quantile.dtype)


def dwell_prior(quantile: NDArray[F], noise: float) -> NDArray[F]:
    """Return noise·log max(q, ε) [.., h], to be scaled by η: 0 for the longest read, negative for others.

    Unknown quantiles are replaced by `filled`; if none is known, all values are 0.
    """
    return np.asarray(noise * np.log(np.maximum(filled(quantile), LEAST_QUANTILE)), dtype=quantile.dtype)


def importance(
    seconds: Floats, quantile: Floats, scroll: Floats, liked: NDArray[np.bool_], hidden: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Return the known outcome of reads [h]: 1 important, 0 unimportant, −1 unknown.

    Explicit feedback comes first, then a bounce, then dwell and scroll depth.
    """
    important = (quantile >= IMPORTANT_QUANTILE) | (scroll >= IMPORTANT_SCROLL)
    outcome = np.select([hidden, liked, seconds < BOUNCE_SECONDS, important], [0, 1, 0, 1], default=-1)
    return outcome.astype(np.int8)
