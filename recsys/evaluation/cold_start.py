"""Cold starts: the impressions of a replay in which little was known of the article or of the reader."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR, MINUTE
from recsys.evaluation.replay import ReplayScores
from recsys.state.catalog import NEVER

NEW_READER = 5
"""A reader with fewer reads is new."""

_NEW_ARTICLE, _COLD_ARTICLE, _COLD_READER = HOUR, 30 * MINUTE, 3

FIRST_HOUR = "clicked an article in its first hour"
NEW_READERS = f"readers with < {NEW_READER} reads"

Masks = Mapping[str, NDArray[np.bool_]]


def cold_starts(replayed: ReplayScores) -> Masks:
    """Return the masks of the cold starts [S] by name: new articles and new readers."""
    return {
        FIRST_HOUR: _clicked_newer_than(replayed, _NEW_ARTICLE),
        NEW_READERS: replayed.history < NEW_READER,
    }


def coldest_starts(replayed: ReplayScores) -> Masks:
    """Return the masks of the hardest cold starts [S] by name."""
    return {
        f"readers with ≤ {_COLD_READER} reads": replayed.history <= _COLD_READER,
        "clicked an article in its first 30 minutes": _clicked_newer_than(replayed, _COLD_ARTICLE),
    }


def _clicked_newer_than(replayed: ReplayScores, age_limit: int) -> NDArray[np.bool_]:
    slate = np.repeat(np.arange(len(replayed)), np.diff(replayed.offsets))
    age = replayed.at[slate] - np.where(replayed.available == NEVER, replayed.at[slate], replayed.available)
    new = (replayed.labels > 0) & (age < age_limit)
    return np.bincount(slate, weights=new, minlength=len(replayed)) > 0
