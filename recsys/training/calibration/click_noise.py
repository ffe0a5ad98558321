"""Synthetic click noise: chance clicks with a bounce, inserted into reading histories."""

from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys.projection.vector_table import VectorTable
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds
from recsys.user_model.dwell_quantiles import click_noise, importance, quantiles
from recsys.user_model.preference_data import PreferenceData

BOUNCE = (1.5, 9.0)
"""Range of the uniform dwell of a simulated bounce, in seconds."""

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Articles:
    """Articles that can be clicked. vectors: [rows, d]; expected: reading time in seconds [rows]."""

    vectors: NDArray[np.float32]
    expected: NDArray[np.float64]

    @classmethod
    def of(cls, state: LiveState, vectors: VectorTable, as_of: int) -> Self:
        """Return all articles in `state` at `as_of` (microseconds)."""
        rows = np.arange(len(state.articles))
        vectors.reserve(len(rows))
        return cls(vectors.take(rows), expected_read_seconds(state, rows, as_of))

    def described(self) -> NDArray[np.int64]:
        """Return the rows with a vector."""
        return np.flatnonzero(self.vectors.any(axis=1))


@dataclass(frozen=True, slots=True)
class Noisy:
    """Slates with chance clicks in their histories; injected: mask of those clicks [S, H]."""

    data: PreferenceData
    injected: NDArray[np.bool_]


def with_noise(data: PreferenceData, share: float, articles: Articles, rng: np.random.Generator) -> Noisy:
    """Insert chance clicks into the history of every slate of `data`, so that they are `share` of it.

    They fall at random positions and push out the oldest reads of a full history, as in a feed. Their dwell is a
    bounce, and unknown as often as that of the reads.
    """
    slates, length = data.reads.shape
    real = data.lengths(np.arange(slates))
    count = np.round(real * share / (1 - share)).astype(np.int64)
    max_count = int(count.max(initial=0))
    position = np.arange(length + max_count)
    is_real, is_noise = position < real[:, None], (position >= length) & (position < length + count[:, None])
    # a read keeps its position in time; a chance click falls anywhere between the first and the last
    when = np.where(
        is_real, position, np.where(is_noise, rng.random((slates, length + max_count)) * real[:, None], np.inf)
    )
    source = _last(np.argsort(when, axis=1, kind="stable"), real + count, length)
    present = np.arange(length) < np.minimum(real + count, length)[:, None]
    injected = (source >= length) & present
    age_source = np.where(present, np.take_along_axis(when, source, axis=1), 0.0).astype(np.int64)
    return Noisy(_merged(data, _Layout(source, age_source, injected, present), articles, rng), injected)


def without(data: PreferenceData, dropped: NDArray[np.bool_]) -> PreferenceData:
    """Return the slates without the `dropped` reads [S, H]; a history that would become empty is kept whole."""
    present = data.reads >= 0
    remaining = present & ~dropped
    remaining[~remaining.any(axis=1)] = present[~remaining.any(axis=1)]
    order = np.argsort(~remaining, axis=1, kind="stable")

    def moved(values: NDArray[_Kind], padding: float) -> NDArray[_Kind]:
        return np.take_along_axis(np.where(remaining, values, padding).astype(values.dtype), order, axis=1)

    return replace(
        data,
        reads=moved(data.reads, -1),
        seconds=moved(data.seconds, 0.0),
        age=moved(data.age, 0.0),
        quantile=moved(data.quantile, np.nan),
        important=moved(data.important, -1),
    )


def with_shuffled_dwell(data: PreferenceData, rng: np.random.Generator) -> PreferenceData:
    """Return the slates with the dwell quantiles of each history shuffled among its reads."""
    present = data.reads >= 0
    order = np.argsort(np.where(present, rng.random(present.shape), np.inf), axis=1)
    return replace(data, quantile=np.take_along_axis(data.quantile, order, axis=1))


def _last(order: NDArray[np.int64], total: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return the last `length` of the first `total` [S] positions of `order` [S, W]."""
    first = np.maximum(total - length, 0)
    return np.take_along_axis(order, first[:, None] + np.arange(length), axis=1)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Noisy histories [S, H].

    source: index of each read in the original history; age_source: index of the read that gives its age to a
    chance click; injected: chance clicks; present: real reads and chance clicks, not padding.
    """

    source: NDArray[np.int64]
    age_source: NDArray[np.int64]
    injected: NDArray[np.bool_]
    present: NDArray[np.bool_]


def _merged(data: PreferenceData, layout: _Layout, articles: Articles, rng: np.random.Generator) -> PreferenceData:
    """Return the data with reads and chance clicks in the positions of `layout`."""
    source, injected, present = layout.source, layout.injected, layout.present
    chance = rng.choice(articles.described(), size=source.shape)
    real = data.reads >= 0
    unknown = float(np.isnan(data.seconds[real]).mean()) if real.any() else 0.0
    bounce = np.where(
        rng.random(source.shape) < unknown, np.nan, np.round(rng.uniform(*BOUNCE, size=source.shape))
    )

    def mixed(values: NDArray[_Kind], new: NDArray[Any], padding: float) -> NDArray[_Kind]:
        old = np.take_along_axis(values, np.minimum(source, values.shape[1] - 1), axis=1)
        return np.where(present, np.where(injected, new, old), padding).astype(values.dtype)

    reads = mixed(data.reads, chance, -1)
    seconds = mixed(data.seconds, bounce, 0.0)
    known_seconds = np.where(present, seconds, np.nan).astype(np.float64)
    quantile = quantiles(known_seconds, articles.expected[reads])
    nowhere = np.zeros(source.shape, dtype=np.bool_)
    outcome = importance(known_seconds, quantile, np.full(source.shape, np.nan), nowhere, nowhere)
    return replace(
        data,
        reads=reads,
        seconds=seconds,
        age=mixed(data.age, np.take_along_axis(data.age, layout.age_source, axis=1), 0.0),
        quantile=quantile.astype(np.float32),
        noise=click_noise(known_seconds).astype(np.float32),
        important=mixed(data.important, outcome, -1),
    )
