"""Exploration of a feed: which remaining candidate a position gets, and the probability of that."""

from dataclasses import dataclass

import numpy as np

from recsys.feed.retrieval import EXPLORE, FRESH
from recsys.feed.selection.fresh_articles import FreshArticles
from recsys.ranking.query import FloatArray


@dataclass(frozen=True, slots=True)
class Draw:
    """Index of the chosen one of the remaining candidates, its propensity, and the source that drew it.

    source: `EXPLORE` or `FRESH`; None if the best remaining candidate stands.
    """

    pick: int
    propensity: float
    source: str | None


@dataclass(frozen=True, slots=True)
class Exploration:
    """Exploration of one page.

    share: probability e that a position is drawn. fresh_share: share f of the draws that try one of the `fresh`
    articles; all other draws are uniform.
    """

    share: float = 0.0
    fresh_share: float = 0.0
    fresh: FreshArticles | None = None

    def draw(self, remaining: list[int], rng: np.random.Generator) -> Draw:
        """Draw one of the `remaining` candidates [m], best first, or choose the best.

        The propensity is ``e (f t + (1 − f) / m)``, plus ``1 − e`` for the best. t is the chance of the candidate
        by Thompson sampling, 0 if it is not a fresh article. Without a fresh article left, f is 0.
        """
        tried = self.fresh.among(remaining) if self.fresh is not None and self.fresh_share else []
        fresh_share = self.fresh_share if tried else 0.0
        pick, source = 0, None
        if rng.random() < self.share:
            if tried and rng.random() < fresh_share:
                chosen = int(rng.choice(len(tried), p=self._chances(tried)))
                pick, source = remaining.index(tried[chosen]), FRESH
            else:
                pick = int(rng.integers(len(remaining)))
                source = EXPLORE if pick else None
        drawn = (1.0 - fresh_share) / len(remaining)
        if remaining[pick] in tried:
            drawn += fresh_share * float(self._chances(tried)[tried.index(remaining[pick])])
        return Draw(pick, self.share * drawn + (1.0 - self.share if pick == 0 else 0.0), source)

    def chances(self, remaining: list[int]) -> FloatArray:
        """Return the propensity of each of the `remaining` candidates [m], best first, as `draw` returns it.

        `draw` computes the one that it needs: feeds are made more often than evaluated.
        """
        tried = self.fresh.among(remaining) if self.fresh is not None and self.fresh_share else []
        fresh_share = self.fresh_share if tried else 0.0
        chances = np.full(len(remaining), (1.0 - fresh_share) / len(remaining))
        if tried:
            places = {candidate: place for place, candidate in enumerate(remaining)}
            chances[[places[each] for each in tried]] += fresh_share * self._chances(tried)
        chances *= self.share
        chances[0] += 1.0 - self.share
        return chances

    def _chances(self, tried: list[int]) -> FloatArray:
        assert self.fresh is not None
        return self.fresh.chances(tried)


NO_EXPLORATION = Exploration()
