"""Ranked candidates → a slate: no category takes it over, and some places go to exploration, with propensities."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_CATEGORY_SHARE = 0.4
"""No category fills more of a slate than this while others are left; only exploration may add to it."""

_UNKNOWN_CATEGORY = -1


@dataclass(frozen=True, slots=True)
class Composed:
    """A slate: places among the candidates [k], propensity at each position [k], and which were explored."""

    places: list[int]
    propensities: list[float]
    explored: list[bool]


def compose(
    scores: NDArray[np.float64],
    categories: NDArray[np.integer],
    limit: int,
    explore: float,
    rng: np.random.Generator,
) -> Composed:
    """Fill `limit` positions from candidates with `scores` [n] and `categories` [n].

    At each position but the first, with probability `explore` any remaining candidate is drawn evenly, else the
    best remaining one is taken. So an item's propensity at its position, given those above, is ``explore / m``,
    plus ``1 − explore`` if it is the best of the m remaining.
    """
    remaining = _spread(np.argsort(-scores, kind="stable").tolist(), categories, limit)
    places, propensities, explored = [], [], []
    for position in range(min(limit, len(remaining))):
        share = explore if position else 0.0
        drawn = rng.random() < share
        pick = int(rng.integers(len(remaining))) if drawn else 0
        propensities.append(share / len(remaining) + (1.0 - share if pick == 0 else 0.0))
        places.append(remaining.pop(pick))
        explored.append(drawn and pick > 0)
    return Composed(places, propensities, explored)


def _spread(best_first: list[int], categories: NDArray[np.integer], limit: int) -> list[int]:
    """The same order, but what would exceed its category's share of the slate moves behind all others."""
    most = max(1, int(np.ceil(limit * MAX_CATEGORY_SHARE)))
    taken: Counter[int] = Counter()
    kept: list[int] = []
    moved: list[int] = []
    for place in best_first:
        category = int(categories[place])
        taken[category] += category != _UNKNOWN_CATEGORY
        (moved if taken[category] > most else kept).append(place)
    return kept + moved
