"""Popularity of what is shown first, against that of all candidates (popularity bias)."""

import numpy as np

from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints
from recsys.evaluation.systems import FULL_SYSTEM

NAME = "popularity"
TOP, CURVE = 5, 10
_POPULAR = "popular"
"""System whose scores are the clicks of the last hours."""


def popularity_check(replayed: ReplayScores, limit: float) -> BehaviourCheck:
    """Return the mean popularity of the first places over that of the candidates; 1 is no preference."""
    clicks = np.maximum(replayed.scores[_POPULAR], 0.0)
    slates = replayed.as_served(FULL_SYSTEM)
    if not clicks.any():
        return BehaviourCheck.unknown(NAME, limit, "No article had clicks in the hours before it was shown.")
    places = slates.top(np.arange(len(clicks), dtype=np.int64), CURVE)
    average = slates.total(clicks) / np.maximum(slates.sizes, 1)
    curve = [_ratio(clicks, places[:, place], average) for place in range(CURVE)]
    shown = _ratio(clicks, places[:, :TOP], average)
    rows = np.flatnonzero(slates.clicked)
    opened = float(clicks[rows].sum() / max(average[slates.slate[rows]].sum(), 1e-12)) if len(rows) else None
    sentence = (
        f"The first {TOP} articles of a list had {shown:.1f} times the clicks of all its candidates in the hours "
        f"before (at most {limit:g})."
    )
    parts = {"by place": curve, "opened": opened}
    return BehaviourCheck(NAME, shown, limit, passing(shown <= limit), sentence, parts)


def _ratio(clicks: Floats, places: Ints, average: Floats) -> float:
    """Return the clicks at `places` [S] or [S, k] of candidates over the average of their slates."""
    table = places.reshape(len(average), -1)
    slate, column = np.nonzero(table >= 0)
    return float(clicks[table[slate, column]].sum() / max(average[slate].sum(), 1e-12))
