"""Why an item stands in a slate: only what was checked.

"Because you read" comes from attention over the history: the read with the largest attention × similarity. It is
named only if the match score falls when that read is left out (the masking check); what the score loses is the
reason's weight. Everything else said is a fact about the article.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR, Reason
from recsys.feed.candidates import EXPLORE
from recsys.feed.vectors import VectorTable
from recsys.preference.match import Matcher, Reads
from recsys.state.histories import History
from recsys.state.kinds import CLICKS, LIKED
from recsys.state.live import LiveState

BECAUSE_YOU_READ, TOPIC, POPULAR, FRESH, DIFFERENT = (
    "because_you_read",
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
    reads: Reads
    read_places: NDArray[np.intp]
    as_of: int

    def explain(self, rows: NDArray[np.int64], sources: list[str]) -> list[tuple[Reason, ...]]:
        """Reasons for articles `rows` [k], the strongest first."""
        read = self._because_you_read(rows)
        return [
            tuple(reason for reason in (read.get(i), *self._facts(int(row), source)) if reason is not None)
            for i, (row, source) in enumerate(zip(rows, sources, strict=True))
        ]

    def _because_you_read(self, rows: NDArray[np.int64]) -> dict[int, Reason]:
        known = np.flatnonzero(self.vectors.has(rows))
        if not len(self.reads) or not len(known):
            return {}
        candidates = self.vectors.take(rows[known])
        match = self.matcher.match(self.reads, candidates, self.as_of)
        cosines_nh = candidates @ self.reads.vectors.T
        strongest = np.argmax(match.attention * cosines_nh, axis=1)
        similar = cosines_nh[np.arange(len(known)), strongest] >= _LEAST_SIMILAR
        reads, which = np.unique(strongest, return_inverse=True)
        masked_mn = self.matcher.without_each(self.reads, reads, candidates, self.as_of)
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

    def _facts(self, row: int, source: str) -> list[Reason]:
        catalog, facts = self.state.catalog, []
        category = int(catalog.category[row])
        if category >= 0 and len(self.history):
            share = float((catalog.category[self.history.article] == category).mean())
            if share >= _TOPIC_SHARE:
                name = catalog.categories.strings[category]
                facts.append(Reason(TOPIC, f"{share:.0%} of what you read lately is {name}"))
        clicks = float(self.state.counters.read(np.asarray([row]), self.as_of)[0, CLICKS, _FOUR_HOURS])
        if clicks >= _POPULAR_CLICKS:
            facts.append(Reason(POPULAR, "Many readers open this now"))
        since = int(self.state.available_since(np.asarray([row]))[0])
        if self.as_of - _FRESH_WITHIN <= since < self.as_of:
            facts.append(Reason(FRESH, "New"))
        if source == EXPLORE or not facts:
            facts.append(Reason(DIFFERENT, "Something different"))
        return facts
