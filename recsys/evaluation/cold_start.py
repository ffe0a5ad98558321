"""Cold starts: the impressions of a replay in which little was known of the article or of the reader.

Impressions with a click on a new article are chosen by their outcome: whatever raises all new articles above all
older ones raises the AUC there, and lowers it where an older article was clicked (decision 46). So there are also
impressions chosen by their candidates, and new articles compared with each other only.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recsys.constants import NEW_READER
from recsys.domain import HOUR, MINUTE
from recsys.evaluation.replay import ReplayScores
from recsys.state.catalog import NEVER

_NEW_ARTICLE, _COLD_ARTICLE, _COLD_READER = HOUR, 30 * MINUTE, 3

FIRST_HOUR = "clicked an article in its first hour"
NEW_READERS = f"readers with < {NEW_READER} reads"
HALF_NEW = "at least half of the articles in their first hour"
AMONG_NEW = "only articles in their first hour"

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


def half_new(replayed: ReplayScores) -> NDArray[np.bool_]:
    """Return the mask of the impressions [S] of which at least half of the candidates are in their first hour."""
    sizes = np.diff(replayed.offsets)
    new = np.bincount(_slate(replayed), weights=new_candidates(replayed), minlength=len(replayed))
    return (sizes > 0) & (new >= sizes / 2)


def new_candidates(replayed: ReplayScores) -> NDArray[np.bool_]:
    """Return the mask of the candidates [N] in their first hour."""
    return _newer_than(replayed, _NEW_ARTICLE)


def _clicked_newer_than(replayed: ReplayScores, age_limit: int) -> NDArray[np.bool_]:
    new = (replayed.labels > 0) & _newer_than(replayed, age_limit)
    return np.bincount(_slate(replayed), weights=new, minlength=len(replayed)) > 0


def _newer_than(replayed: ReplayScores, age_limit: int) -> NDArray[np.bool_]:
    at = replayed.at[_slate(replayed)]
    return at - np.where(replayed.available == NEVER, at, replayed.available) < age_limit


def _slate(replayed: ReplayScores) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(replayed)), np.diff(replayed.offsets))
