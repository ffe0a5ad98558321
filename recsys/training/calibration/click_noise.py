"""Noisy clicks on purpose: articles that a reader opened by chance and left at once, put into their history."""

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
"""Seconds, evenly drawn: how long simulated readers stay who leave at once."""

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Articles:
    """What can be clicked or read. vectors: [rows, d]; expected: seconds that reading each takes [rows]."""

    vectors: NDArray[np.float32]
    expected: NDArray[np.float64]

    @classmethod
    def of(cls, state: LiveState, vectors: VectorTable, as_of: int) -> Self:
        """All articles that `state` knows at `as_of` (microseconds)."""
        rows = np.arange(len(state.articles))
        vectors.reserve(len(rows))
        return cls(vectors.take(rows), expected_read_seconds(state, rows, as_of))

    def described(self) -> NDArray[np.int64]:
        """Rows that have a vector."""
        return np.flatnonzero(self.vectors.any(axis=1))


@dataclass(frozen=True, slots=True)
class Noisy:
    """Slates with chance clicks in their histories; injected [S, H] tells which reads those are."""

    data: PreferenceData
    injected: NDArray[np.bool_]


def with_noise(data: PreferenceData, share: float, articles: Articles, rng: np.random.Generator) -> Noisy:
    """Put so many chance clicks among the reads of every slate of `data` that they are `share` of the history.

    They stand anywhere in it, and push out the oldest reads where it is full, as they would in a feed. Their dwell
    is a bounce, and as often unknown as that of the reads.
    """
    slates, length = data.reads.shape
    real = data.lengths(np.arange(slates))
    count = np.round(real * share / (1 - share)).astype(np.int64)
    most = int(count.max(initial=0))
    place = np.arange(length + most)
    is_real, is_noise = place < real[:, None], (place >= length) & (place < length + count[:, None])
    # a read keeps its place in time; a chance click falls anywhere between the first and the last
    when = np.where(
        is_real, place, np.where(is_noise, rng.random((slates, length + most)) * real[:, None], np.inf)
    )
    kept = _last(np.argsort(when, axis=1, kind="stable"), real + count, length)
    there = np.arange(length) < np.minimum(real + count, length)[:, None]
    injected = (kept >= length) & there
    concat_fields = np.where(there, np.take_along_axis(when, kept, axis=1), 0.0).astype(np.int64)
    return Noisy(_merged(data, kept, concat_fields, injected, there, articles, rng), injected)


def without(data: PreferenceData, dropped: NDArray[np.bool_]) -> PreferenceData:
    """The slates of `data` with some reads [S, H] left out of their histories; a history never becomes empty."""
    there = data.reads >= 0
    kept = there & ~dropped
    kept[~kept.any(axis=1)] = there[~kept.any(axis=1)]
    order = np.argsort(~kept, axis=1, kind="stable")

    def moved(values: NDArray[_Kind], nothing: float) -> NDArray[_Kind]:
        return np.take_along_axis(np.where(kept, values, nothing).astype(values.dtype), order, axis=1)

    return replace(
        data,
        reads=moved(data.reads, -1),
        seconds=moved(data.seconds, 0.0),
        age=moved(data.age, 0.0),
        quantile=moved(data.quantile, np.nan),
        important=moved(data.important, -1),
    )


def with_shuffled_dwell(data: PreferenceData, rng: np.random.Generator) -> PreferenceData:
    """The slates of `data` with the dwell quantiles of each history dealt anew among its reads."""
    there = data.reads >= 0
    order = np.argsort(np.where(there, rng.random(there.shape), np.inf), axis=1)
    return replace(data, quantile=np.take_along_axis(data.quantile, order, axis=1))


def _last(order: NDArray[np.int64], total: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """The last `length` of the first `total` [S] places of `order` [S, W]."""
    first = np.maximum(total - length, 0)
    return np.take_along_axis(order, first[:, None] + np.arange(length), axis=1)


def _merged(
    data: PreferenceData,
    kept: NDArray[np.int64],
    concat_fields: NDArray[np.int64],
    injected: NDArray[np.bool_],
    there: NDArray[np.bool_],
    articles: Articles,
    rng: np.random.Generator,
) -> PreferenceData:
    """`kept` [S, H]: places among the reads; a chance click takes its age from the read `concat_fields` it [S, H]."""
    chance = rng.choice(articles.described(), size=kept.shape)
    real = data.reads >= 0
    unknown = float(np.isnan(data.seconds[real]).mean()) if real.any() else 0.0
    left = np.where(rng.random(kept.shape) < unknown, np.nan, np.round(rng.uniform(*BOUNCE, size=kept.shape)))

    def mixed(values: NDArray[_Kind], new: NDArray[Any], nothing: float) -> NDArray[_Kind]:
        old = np.take_along_axis(values, np.minimum(kept, values.shape[1] - 1), axis=1)
        return np.where(there, np.where(injected, new, old), nothing).astype(values.dtype)

    reads = mixed(data.reads, chance, -1)
    seconds = mixed(data.seconds, left, 0.0)
    told = np.where(there, seconds, np.nan).astype(np.float64)
    quantile = quantiles(told, articles.expected[reads])
    nothing = np.zeros(kept.shape, dtype=np.bool_)
    outcome = importance(told, quantile, np.full(kept.shape, np.nan), nothing, nothing)
    return replace(
        data,
        reads=reads,
        seconds=seconds,
        age=mixed(data.age, np.take_along_axis(data.age, concat_fields, axis=1), 0.0),
        quantile=quantile.astype(np.float32),
        noise=click_noise(told).astype(np.float32),
        important=mixed(data.important, outcome, -1),
    )
