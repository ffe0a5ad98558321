"""Ages of articles that the log supports, and how scores fade beyond them.

A ranker learns from the slates of the log. If these hold nothing older than 36 hours, trees give an article of
300 hours the score of one of 36. So a bundle stores, by category, the age below which nearly all shown candidates
were (the support), and how fast the odds of a click on one article fall while it ages. Beyond the support the
fitted fading continues, and retrieval stops at `REACH` times the support.

Within the support trees see the age, but not the category, so a report and a recipe fade nearly alike. So a bundle
also stores the share of the difference between the fading of a category and that of all articles that its rankers
miss (`training.age_support_training.missed_fading`), and scores move by it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.errors import BundleError
from recsys.ranking.query import FloatArray
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN

Rows = NDArray[np.int64] | slice
"""Dense article ids [n]."""

REACH = 2.0
"""Oldest articles that retrieval offers, as a multiple of the support."""


@dataclass(frozen=True, slots=True)
class SupportedAges:
    """Ages of one category. hours: end of the support; fading: log-odds of a click that an hour costs."""

    hours: float
    fading: float


@dataclass(frozen=True, slots=True)
class AgeSupport:
    """Supported ages by category name; `overall` for all other categories, and for articles without one.

    missed: share, 0 to 1, of the difference between the fading of a category and `overall` that the rankers miss.
    """

    overall: SupportedAges
    categories: Mapping[str, SupportedAges]
    missed: float = 0.0

    def log_odds(self, state: LiveState, rows: NDArray[np.int64], as_of: int) -> FloatArray:
        """Return the log-odds [n] that articles `rows` [n] gain by their age, mostly below 0.

        Beyond the support it is the fading; within it, what the rankers miss.
        """
        ages, hours = self._ages(state, rows, as_of), self._by_article(state, rows, "hours")
        fading = self._by_article(state, rows, "fading")
        within = self.missed * (fading - self.overall.fading) * np.clip(ages, 0.0, hours)
        return np.asarray(-within - fading * np.maximum(ages - hours, 0.0))

    def within_reach(self, state: LiveState, rows: Rows, as_of: int) -> NDArray[np.bool_]:
        """Return the mask of articles `rows` [n] that are not older than `REACH` times the support."""
        return np.asarray(self._ages(state, rows, as_of) <= REACH * self._by_article(state, rows, "hours"))

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {
            "overall": asdict(self.overall),
            "categories": {name: asdict(ages) for name, ages in self.categories.items()},
            "missed": self.missed,
        }

    @classmethod
    def of(cls, version: str, entry: object) -> "AgeSupport":
        """Read the entry of a manifest; `EVERY_AGE` if the training found no support.

        Raises:
            BundleError: the entry is damaged.
        """
        if entry is None:
            return EVERY_AGE
        try:
            overall, categories = entry["overall"], entry["categories"]  # type: ignore[index]
            missed = float(entry.get("missed", 0.0))  # type: ignore[attr-defined]
            if not 0 <= missed <= 1:
                raise ValueError(f"missed {missed}")
            return cls(_checked(overall), {str(name): _checked(ages) for name, ages in categories.items()}, missed)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"bundle {version} is damaged: its age support cannot be read ({error}); train a new bundle"
            ) from error

    def _ages(self, state: LiveState, rows: Rows, as_of: int) -> FloatArray:
        """Return the ages in hours [n]; those of articles that were never available are negative.

        Without news, time stands still at the end of the support of the newest article: years after the last one,
        the fading of categories would decide alone.
        """
        since = state.available_since(slice(len(state.first_shown)))
        available = since[state.catalog.described & (since <= as_of)]
        now = min(as_of, available.max() + self.overall.hours * HOUR) if len(available) else as_of
        return np.asarray((now - since[rows]) / HOUR)

    def _by_article(self, state: LiveState, rows: Rows, name: str) -> FloatArray:
        codes = state.catalog.categories.lookup(list(self.categories))
        table = np.full(len(state.catalog.categories) + 1, getattr(self.overall, name))
        values = np.asarray([getattr(ages, name) for ages in self.categories.values()])
        known = codes != UNKNOWN
        table[codes[known]] = values[known]
        return table[state.catalog.category[rows]]  # an unknown category is −1: the last cell, which is overall


EVERY_AGE = AgeSupport(SupportedAges(float("inf"), 0.0), {})
"""Support of models that do not know one: no article is too old, and none fades."""


def _checked(ages: Mapping[str, Any]) -> SupportedAges:
    found = SupportedAges(float(ages["hours"]), float(ages["fading"]))
    if not (0 <= found.hours < float("inf") and 0 <= found.fading < float("inf")):
        raise ValueError(f"hours {found.hours}, fading {found.fading}")
    return found
