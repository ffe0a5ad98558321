"""The numbers by which behaviour is graded. Another rule gives other labels: a bundle names the version."""

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

    bounce_…: what is less than both was left at once. words_per_minute, expected_…: what an article takes by its
    length, between two bounds. deep_share: of it, for a deep reading while nobody is known to have read it.
    deep_scroll: so far down, `skim_share` of a deep reading's time is enough. quantile: of earlier readings, for a
    deep reading of what was read before. earlier: readings looked back at, of the article and of the reader.
    prior: readings that the length weighs, and that an average reader weighs. least_pace, most_pace: how far a
    reader's habit may move the time. longest: seconds that a candidate's readings count at most.
    attribute_within: microseconds after a slate.
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
        """Seconds that reading `words` words takes; unknown stays unknown."""
        return (words / self.words_per_minute * 60).clip(self.expected_least, self.expected_most)
