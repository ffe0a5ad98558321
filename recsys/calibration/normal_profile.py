"""Normal profile: attention statistics of ordinary texts, by length bucket, layer and head.

Texts are grouped by length, because attention depends on it. Means and variances are merged batch by batch (Chan,
Golub and LeVeque 1979, the batch form of Welford's method), so no single texts are stored. Quantiles come from
histograms with equal bins, so their error is at most one bin.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import HEAD, Observation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES = (8, 12, 16, 24, 32, 48, 64)
"""Largest number of tokens of each bucket, special tokens included; the last bucket holds all longer texts."""

COUNT = len(EDGES) + 1

BINS = 32
"""Bins of a head's statistic over [0, 1]."""

RECEIVED_BINS = 64
RECEIVED_MOST = 6.0
"""Range of log2(1 + received mass) and its bins. 1 is an even share; more than 63 shares count as 63."""

ENOUGH = 100
"""Texts that a bucket needs for its own norm; with fewer, all lengths are pooled."""


class Profile:
    """Running statistics of L layers × H heads in C length buckets, with S statistics each (`HEAD`).

    Attributes:
        count: texts [C].
        mean, m2: mean, and sum of squared deviations from it, [C, L, H, S].
        histogram: texts by value [C, L, H, S, BINS].
        received: tokens by log2(1 + received mass) [C, RECEIVED_BINS].
    """

    def __init__(self, layers: int, heads: int) -> None:
        shape = (COUNT, layers, heads, len(HEAD))
        self.count: Ints = np.zeros(COUNT, dtype=np.int64)
        self.mean: Floats = np.zeros(shape)
        self.m2: Floats = np.zeros(shape)
        self.histogram: Ints = np.zeros((*shape, BINS), dtype=np.int64)
        self.received: Ints = np.zeros((COUNT, RECEIVED_BINS), dtype=np.int64)

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> "Profile":
        """Build the profile of one or more observations."""
        profile = cls(*observations[0].heads.shape[1:3])
        for seen in observations:
            profile.add(seen)
        return profile

    @property
    def texts(self) -> int:
        """Return the number of texts."""
        return int(self.count.sum())

    def add(self, seen: Observation) -> None:
        """Add an observation."""
        bucket_B = bucket_of(seen.lengths)
        for bucket in np.unique(bucket_B):
            rows = bucket_B == bucket
            self._merge_moments(int(bucket), seen.heads[rows].astype(np.float64))
            self.histogram[bucket] += counted(seen.heads[rows])
            received = seen.received[rows][seen.real[rows]]
            self.received[bucket] += np.bincount(_received_bin(received), minlength=RECEIVED_BINS)

    def variance(self) -> Floats:
        """Return the population variance [C, L, H, S]; 0 for empty buckets."""
        return np.asarray(self.m2 / np.maximum(self.count, 1)[:, None, None, None])

    def pooled(self) -> "Profile":
        """Return the profile over all lengths, repeated for every bucket."""
        pooled = Profile(*self.mean.shape[1:3])
        weights = self.count / max(self.texts, 1)
        mean = np.einsum("c,clhs->lhs", weights, self.mean)
        spread = self.m2.sum(axis=0) + np.einsum("c,clhs->lhs", self.count, (self.mean - mean) ** 2)
        pooled.count[:] = self.texts
        pooled.mean[:], pooled.m2[:] = mean, spread
        pooled.histogram[:], pooled.received[:] = self.histogram.sum(axis=0), self.received.sum(axis=0)
        return pooled

    def norm(self) -> tuple[Floats, Floats]:
        """Return the mean and standard deviation [C, L, H, S] that texts of each bucket are compared with."""
        pooled, own = self.pooled(), (self.count >= ENOUGH)[:, None, None, None]
        mean = np.where(own, self.mean, pooled.mean)
        return mean, np.sqrt(np.where(own, self.variance(), pooled.variance()))

    def standardised(self, seen: Observation) -> NDArray[np.float32]:
        """Return statistics [B, L, H, S] in standard deviations from the norm of each text's length, within ±8."""
        mean, deviation = self.norm()
        bucket_B = bucket_of(seen.lengths)
        scores = (seen.heads - mean[bucket_B]) / np.maximum(deviation[bucket_B], 1e-4)
        return np.clip(scores, -8, 8).astype(np.float32)

    def quantile(self, share: float) -> Floats:
        """Return the value [C, L, H, S] that `share` of the texts are below."""
        return _quantile(self.histogram, share)

    def received_quantile(self, share: float) -> Floats:
        """Return the received mass [C] that `share` of the tokens are below; a small bucket uses all lengths."""
        own = (self.count >= ENOUGH)[:, None]
        bins = np.where(own, self.received, self.received.sum(axis=0))
        return np.asarray(np.exp2(_quantile(bins, share) * RECEIVED_MOST) - 1)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("count", "mean", "m2", "histogram", "received")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Profile":
        """Build a profile from the result of `arrays`."""
        profile = cls(*arrays["mean"].shape[1:3])
        for name in profile.arrays():
            setattr(profile, name, arrays[name].copy())
        return profile

    def _merge_moments(self, bucket: int, heads_BLHS: Floats) -> None:
        new, old = len(heads_BLHS), self.count[bucket]
        mean = heads_BLHS.mean(axis=0)
        delta = mean - self.mean[bucket]
        self.m2[bucket] += ((heads_BLHS - mean) ** 2).sum(axis=0) + delta**2 * (old * new / (old + new))
        self.mean[bucket] += delta * (new / (old + new))
        self.count[bucket] += new


def bucket_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the bucket of each length, same shape, in [0, COUNT)."""
    return np.searchsorted(EDGES, lengths, side="left").astype(np.int64)


def label(bucket: int) -> str:
    """Return the lengths of a bucket as text: ``9-12``, ``65+``."""
    low = 1 if bucket == 0 else EDGES[bucket - 1] + 1
    return f"{low}-{EDGES[bucket]}" if bucket < len(EDGES) else f"{low}+"


def counted(heads_BLHS: NDArray[np.float32]) -> Ints:
    """Count texts by value: [L, H, S, BINS]."""
    cells = int(np.prod(heads_BLHS.shape[1:]))
    places = np.clip((heads_BLHS * BINS).astype(np.int64), 0, BINS - 1).reshape(-1, cells)
    flat = places + np.arange(cells) * BINS
    counts = np.bincount(flat.ravel(), minlength=cells * BINS)
    return np.asarray(counts.reshape(*heads_BLHS.shape[1:], BINS))


def _received_bin(received: NDArray[np.floating]) -> Ints:
    places = np.log2(1 + received) / RECEIVED_MOST * RECEIVED_BINS
    return np.asarray(np.clip(places.astype(np.int64), 0, RECEIVED_BINS - 1))


def _quantile(histogram: Ints, share: float) -> Floats:
    """Return the quantile of values in [0, 1] counted in equal bins along the last axis.

    Linear within a bin; NaN if empty.
    """
    total = histogram.sum(axis=-1, keepdims=True)
    below = np.cumsum(histogram, axis=-1)
    place = np.argmax(below >= share * total, axis=-1)[..., None]
    within = np.take_along_axis(histogram, place, axis=-1)
    before = np.take_along_axis(below, place, axis=-1) - within
    part = (share * total - before) / np.maximum(within, 1)
    found = (place + np.clip(part, 0, 1)) / histogram.shape[-1]
    return np.where(total > 0, found, np.nan)[..., 0]
