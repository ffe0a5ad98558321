"""New articles that a feed tries: candidates whose appeal is not known yet, with its posterior.

The appeal of an article is its clicks per examined impression. Its prior is the click rate of its category, shrunk
toward that of all articles, and weighs as much as four expected clicks. The posterior narrows with every examined
impression, and the need of more falls: to 0 after `ENOUGH_CLICKS` expected clicks, so that articles that just
appeared do not wait for those that are nearly known. After that, or `TRIED_FOR`, the ranker alone decides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.feed.selection.thompson import BetaArms
from recsys.ranking.query import FloatArray, Query
from recsys.state.event_codes import ATTRIBUTED_CLICKS, EXAMINED
from recsys.state.live_state import FIRST_CATEGORY, GLOBAL_GROUP, LiveState

TRIED_FOR = 6 * HOUR
"""Age at which an article is no longer tried."""

ENOUGH_CLICKS = 10.0
"""Clicks expected from the examined impressions of an article, at which its appeal is known well enough."""

MOST_TRIED = 12
"""Articles that one page chooses from: the newest."""

_PRIOR_CLICKS = 4.0
_NO_LOG = (1.0, 20.0)
"""Clicks and examined impressions added to those of all articles: an empty log has a click rate, too."""


@dataclass(frozen=True, slots=True)
class FreshArticles:
    """Candidates to try [k], as places among the candidates of a page, their posteriors, and their needs.

    need: share of `ENOUGH_CLICKS` that is still expected to come, above 0 and at most 1 [k].
    """

    places: NDArray[np.intp]
    arms: BetaArms
    need: FloatArray

    def among(self, remaining: list[int]) -> list[int]:
        """Return the candidates to try that are among the `remaining` ones [m]."""
        left = set(remaining)
        return [place for place in self.places.tolist() if place in left]

    def chances(self, tried: list[int]) -> FloatArray:
        """Return the chance of each of the candidates `tried` [m]: by Thompson sampling, times the need."""
        among = np.flatnonzero(np.isin(self.places, tried))
        chances = self.arms.chances(among) * self.need[among]
        return np.asarray(chances / chances.sum())


def fresh_articles(state: LiveState, query: Query, rows: NDArray[np.int64]) -> FreshArticles:
    """Return the candidates among `rows` [n] that a page of `query` tries.

    An article that this reader has been shown is not tried on them again.
    """
    age = query.as_of - state.available_since(rows)
    clicks, examined = state.counters.read_longest(rows, (ATTRIBUTED_CLICKS, EXAMINED), query.as_of).T
    mean, overall = _prior_means(state, rows)
    exposed = state.exposures.outcomes(query.reader).article
    need = 1 - examined * overall / ENOUGH_CLICKS
    tried = (age >= 0) & (age < TRIED_FOR) & (need > 0) & ~np.isin(rows, exposed)
    places = np.flatnonzero(tried)
    newest = np.lexsort((state.catalog.tie_break_hash[rows[places]], age[places]))[:MOST_TRIED]
    places = places[newest]
    weight = _PRIOR_CLICKS / overall
    alpha = mean[places] * weight + clicks[places]
    # two clicks may belong to one impression, so clicks may exceed the examined impressions
    beta = (1 - mean[places]) * weight + np.maximum(examined[places] - clicks[places], 0.0)
    return FreshArticles(places, BetaArms.of(alpha, beta), need[places])


def _prior_means(state: LiveState, rows: NDArray[np.int64]) -> tuple[FloatArray, float]:
    """Return clicks per examined impression in the category of each of `rows` [n], and of all articles.

    Counts of the longest half-life; their common decay cancels in the ratio.
    """
    counts_g2 = state.counters.groups[:, (ATTRIBUTED_CLICKS, EXAMINED), -1]
    clicks, examined = counts_g2[GLOBAL_GROUP] + _NO_LOG
    overall = min(float(clicks / examined), 0.5)
    in_category_n2 = counts_g2[state.catalog.category[rows] + FIRST_CATEGORY]
    appeal = (in_category_n2[:, 0] + _PRIOR_CLICKS) / (in_category_n2[:, 1] * overall + _PRIOR_CLICKS)
    return np.clip(overall * appeal, 1e-6, 0.9), overall
