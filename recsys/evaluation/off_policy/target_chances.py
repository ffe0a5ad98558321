"""Chances of a target policy: what a bundle would have put at each position of a logged slate.

The feed of the bundle is made again with the state of the time: retrieval, scores, rules, caps and exploration are
those of serving. The position is then filled as logged, and the next one is looked at: so each chance is given the
articles above it, like the logged propensity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest
from recsys.evaluation.scored_slates import Floats
from recsys.feed.selection.open_positions import OpenPositions, SlatePlan
from recsys.ranking.query import Candidates

PredictedClicks = Callable[[FeedRequest, Candidates], Floats]
"""Function from a request and its candidates [n], with features, to their chances of a click [n]."""


@dataclass(frozen=True, slots=True)
class SlateChances:
    """Chances at the k positions of one logged slate.

    chance: of the logged article under the target policy [k]. predicted: its predicted chance of a click, 0 if it
    is no candidate of the target [k]. expected: mean prediction over the target's choices [k].
    """

    chance: Floats
    predicted: Floats
    expected: Floats


def slate_chances(
    plan: SlatePlan, logged: Sequence[int], candidates: NDArray[np.int64], clicks: Floats
) -> SlateChances:
    """Return the chances of `plan` for a logged slate.

    Args:
        plan: how the target policy fills the slate from its candidates [n].
        logged: dense ids of the logged articles [k], in display order.
        candidates: dense ids of the candidates [n].
        clicks: their predicted chances of a click [n].
    """
    places = {row: place for place, row in enumerate(candidates.tolist())}
    positions = OpenPositions(plan)
    found = np.zeros((3, len(logged)))
    for position, row in enumerate(logged):
        shown = places.get(row, -1)
        predicted = float(clicks[shown]) if shown >= 0 else 0.0
        found[:, position] = (*_at_next(positions, shown, clicks), predicted)
        positions.take(shown)
    return SlateChances(chance=found[0], predicted=found[2], expected=found[1])


def _at_next(positions: OpenPositions, shown: int, clicks: Floats) -> tuple[float, float]:
    """Return the chance of the candidate `shown` at the next position, and the mean prediction there."""
    if not positions.open:
        return 0.0, 0.0
    placed = positions.placed
    if placed is not None:
        return float(placed == shown), float(clicks[placed])
    chances = positions.exploration.chances(positions.remaining)
    expected = float(chances @ clicks[positions.remaining])
    if shown not in positions.remaining:
        return 0.0, expected
    return float(chances[positions.remaining.index(shown)]), expected
