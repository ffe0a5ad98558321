"""Parameters of grading. Different parameters give different labels: a bundle stores the version."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS, DEFAULT_READ_SECONDS, MAX_READ_SECONDS, WORDS_PER_MINUTE
from recsys.domain import MINUTE

VERSION = 2

_Words = TypeVar("_Words", pl.Expr, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Seconds, percent and shares.

    bounce_…: below both, a read is a bounce. words_per_minute, expected_…: time that an article takes by its
    length, between two bounds. deep_share: share of that time that makes a read deep, without earlier reads.
    deep_scroll: from this depth on, `skim_share` of the time of a deep read is enough. quantile: of earlier reads,
    the threshold of a deep read. earlier: number of earlier reads used, of the article and of the reader. prior:
    weight of the length, and of an average reader, in reads. least_pace, most_pace: bounds of a reader's pace.
    longest: limit of the seconds that a candidate's reads count. attribute_within: microseconds after a slate.
    """

    bounce_seconds: float = BOUNCE_SECONDS
    bounce_scroll: float = 50.0
    words_per_minute: float = WORDS_PER_MINUTE
    expected_default: float = DEFAULT_READ_SECONDS
    expected_least: float = 20.0
    expected_most: float = 120.0
    deep_share: float = 0.6
    deep_scroll: float = 90.0
    skim_share: float = 5 / 9
    quantile: float = 0.5
    earlier: int = 32
    prior: float = 5.0
    least_pace: float = 0.5
    most_pace: float = 1.5
    longest: float = MAX_READ_SECONDS
    attribute_within: int = 30 * MINUTE

    def expected(self, words: _Words) -> _Words:
        """Return the seconds that reading `words` words takes; NaN or null stays unknown."""
        return (words / self.words_per_minute * 60).clip(self.expected_least, self.expected_most)
