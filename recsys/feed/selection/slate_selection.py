"""Ranked candidates → a slate: nothing takes it over, and some places go to exploration, with propensities."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.feed.selection.caps import Cap


@dataclass(frozen=True, slots=True)
class Selection:
    """A slate: places among the candidates [k], propensity at each position [k], and which were explored."""

    places: list[int]
    propensities: list[float]
    explored: list[bool]

    @classmethod
    def certain(cls, places: list[int]) -> "Selection":
        """A slate in which nothing was left to chance."""
        return cls(places, [1.0] * len(places), [False] * len(places))


def compose(
    order: NDArray[np.intp], caps: Sequence[Cap], limit: int, explore: float, rng: np.random.Generator
) -> Selection:
    """Fill `limit` positions from candidates in their `order`, best first [n], within `caps`.

    At each position but the first, with probability `explore` any remaining candidate is drawn evenly, else the
    best remaining one is taken. So an item's propensity at its position, given those above, is ``explore / m``,
    plus ``1 − explore`` if it is the best of the m remaining.
    """
    remaining = _spread(order.tolist(), caps, limit)
    places, propensities, explored = [], [], []
    for position in range(min(limit, len(remaining))):
        share = explore if position else 0.0
        drawn = rng.random() < share
        pick = int(rng.integers(len(remaining))) if drawn else 0
        propensities.append(share / len(remaining) + (1.0 - share if pick == 0 else 0.0))
        places.append(remaining.pop(pick))
        explored.append(drawn and pick > 0)
    return Selection(places, propensities, explored)


def _spread(best_first: list[int], caps: Sequence[Cap], limit: int) -> list[int]:
    """The same order, but what would exceed its group's share of the slate moves behind all others."""
    # counted, but never asked for: code −1, which is no group
    allowed = [(cap.codes.tolist(), cap.most(limit).tolist(), Counter[int]()) for cap in caps]
    kept: list[int] = []
    moved: list[int] = []
    for place in best_first:
        for codes, most, taken in allowed:
            code = codes[place]
            if code >= 0 and taken[code] >= most[code]:
                moved.append(place)
                break
        else:
            kept.append(place)
            for codes, _, taken in allowed:
                taken[codes[place]] += 1
    return kept + moved
