"""Selection of a slate from scored candidates: caps, quotas, diversity, exploration, or a budget of minutes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest
from recsys.feed.retrieval import matches_subjects
from recsys.feed.selection.caps import Cap, caps
from recsys.feed.selection.knapsack import knapsack
from recsys.feed.selection.mmr import best_first, mmr_order
from recsys.feed.selection.quotas import FOCUS_SHARE, FOLLOW_SHARE, Quota, apply_quotas
from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import Candidates, FloatArray, Query
from recsys.ranking.score_scaling import Utility
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds

_DIVERSIFIED_SLATES = 2
"""Number of slates of positions to diversify: caps may move candidates down, but not further than that."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Slate: places among the candidates [k], propensity at each position [k], and the explored positions [k]."""

    places: list[int]
    propensities: list[float]
    explored: list[bool]

    @classmethod
    def certain(cls, places: list[int]) -> "Selection":
        """Return a selection without randomness."""
        return cls(places, [1.0] * len(places), [False] * len(places))


@dataclass(frozen=True, slots=True)
class Selector:
    """Selector of slates. utility: scores → utilities, for a budget of minutes."""

    state: LiveState
    vectors: VectorTable
    utility: Utility

    def select(
        self, query: Query, request: FeedRequest, candidates: Candidates, rng: np.random.Generator
    ) -> Selection:
        """Select a slate within the caps, with the quotas of the reader's preferences.

        With a budget of minutes, select the articles of highest total utility that fit, without exploration or
        quotas.
        """
        assert candidates.scores is not None
        rows, scores = candidates.rows, candidates.scores
        if request.minutes is not None:
            minutes = expected_read_seconds(self.state, rows, query.as_of) / 60
            chosen = knapsack(self.utility(scores), minutes, request.minutes, request.limit)
            return Selection.certain(chosen[best_first(scores[chosen])].tolist())
        order = self._diversified(request, rows, scores)
        quotas = self._quotas(query, rows)
        exempt = np.any([quota.eligible for quota in quotas], axis=0) if quotas else None
        limits = caps(self.state.catalog, rows, query.history.article, exempt)
        return fill_slate(apply_quotas(order, quotas), limits, request.limit, request.explore, rng)

    def _diversified(self, request: FeedRequest, rows: NDArray[np.int64], scores: FloatArray) -> NDArray[np.intp]:
        vectors = self.vectors.of(rows) if request.diversity else np.zeros((len(rows), 0), dtype=np.float32)
        return mmr_order(scores, vectors, request.diversity, _DIVERSIFIED_SLATES * request.limit)

    def _quotas(self, query: Query, rows: NDArray[np.int64]) -> list[Quota]:
        preferences, catalog = query.preferences, self.state.catalog
        return [
            Quota(matches_subjects(catalog, subjects, rows), share)
            for subjects, share in ((preferences.focus, FOCUS_SHARE), (preferences.follow, FOLLOW_SHARE))
            if subjects
        ]


def fill_slate(
    order: NDArray[np.intp], caps: Sequence[Cap], limit: int, explore: float, rng: np.random.Generator
) -> Selection:
    """Fill `limit` positions from the candidates in `order` [n], best first, within `caps`.

    At each position but the first, a remaining candidate is drawn uniformly with probability `explore`; otherwise
    the best remaining one is used. So an item's propensity at its position, given those above, is ``explore / m``,
    plus ``1 − explore`` if it is the best of the m remaining.
    """
    remaining = apply_caps(order.tolist(), caps, limit)
    places, propensities, explored = [], [], []
    for position in range(min(limit, len(remaining))):
        share = explore if position else 0.0
        drawn = rng.random() < share
        pick = int(rng.integers(len(remaining))) if drawn else 0
        propensities.append(share / len(remaining) + (1.0 - share if pick == 0 else 0.0))
        places.append(remaining.pop(pick))
        explored.append(drawn and pick > 0)
    return Selection(places, propensities, explored)


def apply_caps(best_first: list[int], caps: Sequence[Cap], limit: int) -> list[int]:
    """Return the same order, with items above their group's cap moved behind all others."""
    # code −1 is counted too, but it is not a group and has no cap
    counters = [(cap.codes.tolist(), cap.most(limit).tolist(), Counter[int]()) for cap in caps]
    within: list[int] = []
    above: list[int] = []
    for place in best_first:
        for codes, most, count in counters:
            code = codes[place]
            if code >= 0 and count[code] >= most[code]:
                above.append(place)
                break
        else:
            within.append(place)
            for codes, _, count in counters:
                count[codes[place]] += 1
    return within + above
