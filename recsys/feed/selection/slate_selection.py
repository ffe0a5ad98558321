"""Selection of a slate from scored candidates: caps, quotas, diversity, exploration, or a budget of minutes.

Rules of editors come first: what they place stands where they place it, and nothing exceeds their quotas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest
from recsys.feed.retrieval import matches_subjects
from recsys.feed.selection.caps import Cap, caps
from recsys.feed.selection.exploration import NO_EXPLORATION, Exploration
from recsys.feed.selection.fresh_articles import fresh_articles
from recsys.feed.selection.knapsack import knapsack
from recsys.feed.selection.mmr import best_first, mmr_order
from recsys.feed.selection.open_positions import OpenPositions, OpenQuotas, SlatePlan
from recsys.feed.selection.quotas import FOCUS_SHARE, FOLLOW_SHARE, Quota, apply_quotas
from recsys.feed.selection.slate_edits import NO_EDITS, Edits
from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import Candidates, FloatArray, Query
from recsys.ranking.score_scaling import Utility, worth
from recsys.ranking.social_circle import is_social
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds

_DIVERSIFIED_SLATES = 2
"""Number of slates of positions to diversify: caps may move candidates down, but not further than that."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Slate: places among the candidates [k], propensity at each position [k], and the draw there [k].

    A draw is the source `explore` or `fresh`; None where the best remaining candidate stands.
    """

    places: list[int]
    propensities: list[float]
    draws: list[str | None]

    @classmethod
    def certain(cls, places: list[int]) -> "Selection":
        """Return a selection without randomness."""
        return cls(places, [1.0] * len(places), [None] * len(places))


@dataclass(frozen=True, slots=True)
class Selector:
    """Selector of slates. utility: scores → utilities, for a budget of minutes. fresh_share: see `Exploration`."""

    state: LiveState
    vectors: VectorTable
    utility: Utility
    fresh_share: float = 0.0

    def select(
        self,
        query: Query,
        request: FeedRequest,
        candidates: Candidates,
        rng: np.random.Generator,
        edits: Edits = NO_EDITS,
    ) -> Selection:
        """Select a slate within the caps, with the quotas of the reader's preferences.

        With a budget of minutes, select the articles of highest total utility that fit, without exploration or
        quotas. Articles that rules place take their minutes first, and stay if they need more.
        """
        if request.minutes is not None:
            return self._within_minutes(query, request, candidates, request.minutes, rng, edits)
        return fill(self.plan(query, request, candidates, edits), rng)

    def plan(
        self, query: Query, request: FeedRequest, candidates: Candidates, edits: Edits = NO_EDITS
    ) -> SlatePlan:
        """Return how the positions of a slate are filled, without a budget of minutes."""
        assert candidates.scores is not None
        rows = candidates.rows
        order = edits.free(self._diversified(request, rows, candidates.scores))
        quotas = self._quotas(query, rows)
        exempt = np.any([quota.eligible for quota in quotas], axis=0) if quotas else None
        limits = caps(self.state.catalog, rows, query.history.article, exempt, is_social(self.state, query.as_of))
        exploration = self._exploration(query, request, rows)
        utilities = worth(self.utility, candidates.scores)
        return SlatePlan(apply_quotas(order, quotas), limits, request.limit, exploration, edits, utilities)

    def _exploration(self, query: Query, request: FeedRequest, rows: NDArray[np.int64]) -> Exploration:
        if not (request.explore and self.fresh_share):
            return Exploration(request.explore)
        return Exploration(request.explore, self.fresh_share, fresh_articles(self.state, query, rows))

    def _within_minutes(
        self,
        query: Query,
        request: FeedRequest,
        candidates: Candidates,
        budget: float,
        rng: np.random.Generator,
        edits: Edits,
    ) -> Selection:
        assert candidates.scores is not None
        scores = candidates.scores
        minutes = expected_read_seconds(self.state, candidates.rows, query.as_of) / 60
        utilities = self.utility(scores)
        if not edits:
            chosen = knapsack(utilities, minutes, budget, request.limit)
            return Selection.certain(chosen[best_first(scores[chosen])].tolist())
        placed = list(edits.placed.values())
        # only the best candidates of a group with a quota compete: the budget is then solved once
        free = _within_limits(edits.free(best_first(scores)), edits, placed)
        left = max(budget - float(minutes[placed].sum()), 0.0)
        chosen = knapsack(utilities[free], minutes[free], left, max(request.limit - len(placed), 0))
        order = free[chosen]
        return fill_slate(order[best_first(scores[order])], (), request.limit, NO_EXPLORATION, rng, edits)

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
    order: NDArray[np.intp],
    caps: Sequence[Cap],
    limit: int,
    exploration: Exploration,
    rng: np.random.Generator,
    edits: Edits = NO_EDITS,
) -> Selection:
    """Fill `limit` positions from the candidates in `order` [n], best first, within `caps`.

    At each position but the first, `exploration` may draw a remaining candidate; otherwise the best remaining one
    is used. The propensity of an item is its chance at its position, given those above.

    A candidate that a rule places is certain: its propensity is 1, and it is none of the m. If too few candidates
    remain to reach its position, it follows the last one. Candidates above the limit of a quota do not remain.
    """
    return fill(SlatePlan(order, caps, limit, exploration, edits), rng)


def fill(plan: SlatePlan, rng: np.random.Generator) -> Selection:
    """Fill the positions of `plan`: see `fill_slate`."""
    positions = OpenPositions(plan)
    propensities: list[float] = []
    draws: list[str | None] = []
    while positions.open:
        placed = positions.placed
        if placed is not None:
            positions.take(placed)
            propensities.append(1.0)
            draws.append(None)
            continue
        draw = positions.exploration.draw(positions.remaining, rng)
        positions.take(positions.remaining[draw.pick])
        propensities.append(draw.propensity)
        draws.append(draw.source)
    return Selection(positions.taken, propensities, draws)


def _within_limits(order: NDArray[np.intp], edits: Edits, placed: Sequence[int]) -> NDArray[np.intp]:
    """Return the candidates of `order` [n], best first, that fit into the quotas one after the other."""
    quotas = OpenQuotas(edits.limits, placed)
    remaining, within = quotas.within(order.tolist()), list[int]()
    while remaining:
        within.append(remaining.pop(0))
        if quotas.count(within[-1]):
            remaining = quotas.within(remaining)
    return np.asarray(within, dtype=np.intp)
