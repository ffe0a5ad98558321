"""Why an item stands in a slate: only what was checked.

"Because you read" comes from attention over the history: the read with the largest attention × similarity. It is
named only if the match score falls when that read is left out (the masking check); what the score loses is the
reason's weight. Everything else said is a fact about the article.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR, Reason
from recsys.feed.retrieval import EXPLORE
from recsys.projection.vector_table import VectorTable
from recsys.state.event_codes import CLICKS, LIKED
from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN
from recsys.user_model.matcher import Matcher, ReadHistory

BECAUSE_YOU_READ, FOLLOWED, TOPIC, POPULAR, FRESH, DIFFERENT = (
    "because_you_read",
    "you_follow",
    "topic_you_read",
    "popular_now",
    "fresh",
    "something_different",
)
_END_SECONDS, _END_SCROLL = 30.0, 90.0
_TOPIC_SHARE = 0.2
_POPULAR_CLICKS = 3.0
_FOUR_HOURS = 2
_FRESH_WITHIN = 6 * HOUR
_LEAST_SIMILAR = 0.25
_LEAST_FALL = 1e-6  # less is rounding: the two scores come from products of other shapes


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains items of one request."""

    state: LiveState
    vectors: VectorTable
    matcher: Matcher
    history: History
    reads: ReadHistory
    read_places: NDArray[np.intp]
    as_of: int
    wanted: frozenset[str] = frozenset()

    def explain(self, rows: NDArray[np.int64], sources: list[str]) -> list[tuple[Reason, ...]]:
        """Reasons for articles `rows` [k], the strongest first; none where nothing is known that holds."""
        read, shares = self._because_you_read(rows), self._shares(rows)
        out = []
        for place, facts in enumerate(self._facts(rows, shares)):
            found = [reason for reason in (read.get(place), *facts) if reason is not None]
            if sources[place] == EXPLORE or (not found and shares[place] == 0):
                found.append(Reason(DIFFERENT, "Something different"))
            out.append(tuple(found))
        return out

    def _because_you_read(self, rows: NDArray[np.int64]) -> dict[int, Reason]:
        known = np.flatnonzero(self.vectors.has(rows))
        if not len(self.reads) or not len(known):
            return {}
        candidates = self.vectors.take(rows[known])
        match = self.matcher.match(self.reads, candidates, self.as_of)
        cosines_nh = candidates @ self.reads.vectors.T
        # an article that was read, and is to be ranked again, is no reason for itself
        cosines_nh[rows[known][:, None] == self.history.article[self.read_places]] = -1.0
        strongest = np.argmax(match.attention * cosines_nh, axis=1)
        similar = cosines_nh[np.arange(len(known)), strongest] >= _LEAST_SIMILAR
        reads, which = np.unique(strongest, return_inverse=True)
        masked_mn = self.matcher.leave_one_out_scores(self.reads, reads, candidates, self.as_of)
        falls = match.scores - masked_mn[which, np.arange(len(known))]
        return {
            int(known[place]): self._read_reason(int(strongest[place]), float(falls[place]))
            for place in np.flatnonzero(similar & (falls > _LEAST_FALL))
        }

    def _read_reason(self, read: int, weight: float) -> Reason:
        place = int(self.read_places[read])
        row = int(self.history.article[place])
        to_the_end = (
            self.history.seconds[place] >= _END_SECONDS and self.history.scroll[place] >= _END_SCROLL
        ) or bool(self.history.flags[place] & LIKED)
        how = "read to the end" if to_the_end else "read"
        title = self.state.catalog.titles[row]
        return Reason(BECAUSE_YOU_READ, f"Because you {how}: {title}", self.state.articles.strings[row], weight)

    def _facts(self, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> Iterator[tuple[Reason | None, ...]]:
        """What holds of each article, whatever it is like."""
        clicks = self.state.counters.read(rows, self.as_of)[:, CLICKS, _FOUR_HOURS]
        since = self.state.available_since(rows)
        new = (self.as_of - _FRESH_WITHIN <= since) & (since < self.as_of)
        popular = [
            Reason(POPULAR, "Many readers open this now") if many else None for many in clicks >= _POPULAR_CLICKS
        ]
        fresh = [Reason(FRESH, "New") if recent else None for recent in new]
        return zip(self._followed(rows), self._topics(rows, shares), popular, fresh, strict=True)

    def _followed(self, rows: NDArray[np.int64]) -> list[Reason | None]:
        """Of each article, what of it the reader follows or focuses on: a topic before a source."""
        catalog = self.state.catalog
        found: list[Reason | None] = [None] * len(rows)
        for names, column in (
            (catalog.sources, catalog.source),
            (catalog.subcategories, catalog.subcategory),
            (catalog.categories, catalog.category),
        ):
            for subject in sorted(self.wanted):
                code = names.get(subject)
                for place in np.flatnonzero((column[rows] == code) & (code != UNKNOWN)).tolist():
                    found[place] = Reason(FOLLOWED, f"You follow {subject}")
        return found

    def _shares(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of each article [k], what share of the history is of its category; NaN if either is not known."""
        catalog = self.state.catalog
        mine, read = catalog.category[rows], catalog.category[self.history.article]
        if not len(read):
            return np.full(len(rows), np.nan)
        return np.where(mine >= 0, (mine[:, None] == read).mean(axis=1), np.nan)

    def _topics(self, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> list[Reason | None]:
        """Of each article, that much of what was read is of its category, if it is."""
        catalog = self.state.catalog
        return [
            Reason(TOPIC, f"{share:.0%} of what you read lately is {catalog.categories.strings[category]}")
            if share >= _TOPIC_SHARE
            else None
            for share, category in zip(shares.tolist(), catalog.category[rows].tolist(), strict=True)
        ]
