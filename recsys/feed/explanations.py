"""Explanations of the items of a slate. They state only facts that were checked.

"Because you read" names the read with the largest attention × similarity, by what the reader did with it: read,
opened, saved, liked, shared … It is used only if leaving that read out lowers the match score by more than
`LEAST_FALL_SHARE` of it; the loss of score is the weight of the reason. A read of another category must also be
very similar by itself. All other reasons are facts about the article.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.constants import HalfLife
from recsys.domain import HOUR, Reason
from recsys.feed.past_actions import action_of, opened
from recsys.feed.reason_codes import BECAUSE, DIFFERENT, ENTITY, FOLLOWED, FRESH, POPULAR, TOPIC, reason
from recsys.feed.retrieval import EXPLORE
from recsys.feed.social_reasons import social_reasons
from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import Query
from recsys.state.event_codes import CLICKS
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN
from recsys.user_model.matcher import Matcher

LEAST_FALL_SHARE = 0.05
"""A read is a reason only if the match score falls by more than this share of it when the read is left out."""

LEAST_OPENED = 10
"""Share of a category among the articles that a reader opened: stated from this number of articles on."""

_TOPIC_SHARE = 0.2
_LEAST_OPENED_ENTITY, _LEAST_ENTITY, _LARGEST_ENTITY = 3, 0.1, 0.5
"""Articles about an entity among the opened ones: their least number, and their least and largest share.

What nearly all articles have, such as a tag of the outlet, is no reason.
"""

_POPULAR_CLICKS = 3.0
_FRESH_WITHIN = 6 * HOUR
_LEAST_SIMILAR, _LEAST_SIMILAR_ELSEWHERE = 0.25, 0.5
"""Least cosine of an article to the read that is its reason, in the same category and in another one."""

_LEAST_FALL = 1e-6  # a smaller fall is rounding error: the two scores come from products of different shapes


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explainer for the items of one query."""

    state: LiveState
    vectors: VectorTable
    matcher: Matcher
    query: Query

    def explain(self, rows: NDArray[np.int64], sources: Sequence[str]) -> list[tuple[Reason, ...]]:
        """Return the reasons for articles `rows` [k], strongest first; an empty tuple if no fact applies."""
        read, shares = self._because_of_reads(rows), self._shares(rows)
        out = []
        for place, facts in enumerate(self._facts(rows, shares)):
            found = [fact for fact in (read.get(place), *facts) if fact is not None]
            if sources[place] == EXPLORE or (not found and shares[place] == 0):
                found.append(reason(DIFFERENT))
            out.append(tuple(found))
        return out

    def _because_of_reads(self, rows: NDArray[np.int64]) -> dict[int, Reason]:
        known = np.flatnonzero(self.vectors.has(rows))
        if not len(self.query.reads) or not len(known):
            return {}
        candidates = self.vectors.take(rows[known])
        match = self.matcher.match(self.query.reads, candidates, self.query.as_of)
        cosines_nh = candidates @ self.query.reads.vectors.T
        # a read of the article itself, or of a copy, is not a reason for it
        story = self.state.catalog.stories().of
        cosines_nh[story[rows[known]][:, None] == story[self.query.history.article[self.query.read_places]]] = -1.0
        strongest = np.argmax(match.attention * cosines_nh, axis=1)
        similar = cosines_nh[np.arange(len(known)), strongest] >= self._least_similar(rows[known], strongest)
        # a score of zero or less is no match, so no read is the reason for it
        possible = np.flatnonzero(similar & (match.scores > 0))
        if not len(possible):
            return {}
        reads = np.unique(strongest[possible])
        masked_mn = self.matcher.leave_one_out_scores(self.query.reads, reads, candidates, self.query.as_of)
        scores = match.scores[possible]
        falls = scores - masked_mn[np.searchsorted(reads, strongest[possible]), possible]
        effective = falls > np.maximum(LEAST_FALL_SHARE * scores, _LEAST_FALL)
        return {
            int(known[place]): self._read_reason(int(strongest[place]), float(fall))
            for place, fall in zip(possible[effective].tolist(), falls[effective].tolist(), strict=True)
        }

    def _least_similar(self, rows: NDArray[np.int64], reads: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the least cosine [k] of articles `rows` [k] to `reads` [k] that makes the read a reason."""
        category = self.state.catalog.category
        named = category[self.query.history.article[self.query.read_places[reads]]]
        elsewhere = (named != category[rows]) & (named != UNKNOWN) & (category[rows] != UNKNOWN)
        return np.where(elsewhere, _LEAST_SIMILAR_ELSEWHERE, _LEAST_SIMILAR)

    def _read_reason(self, read: int, weight: float) -> Reason:
        place = int(self.query.read_places[read])
        row = int(self.query.history.article[place])
        code = BECAUSE[action_of(self.query.history, place)]
        return reason(code, self.state.articles.strings[row], weight, title=self.state.catalog.titles[row])

    def _facts(self, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> Iterator[tuple[Reason | None, ...]]:
        """Yield the facts about each article that do not depend on its text."""
        clicks = self.state.counters.read(rows, self.query.as_of)[:, CLICKS, HalfLife.HOURS_4]
        since = self.state.available_since(rows)
        new = (self.query.as_of - _FRESH_WITHIN <= since) & (since < self.query.as_of)
        is_popular, is_new = reason(POPULAR), reason(FRESH)
        popular = [is_popular if many else None for many in (clicks >= _POPULAR_CLICKS).tolist()]
        fresh = [is_new if recent else None for recent in new.tolist()]
        followed, social = self._followed(rows), social_reasons(self.state, self.query, rows)
        topics, entities = self._topics(rows, shares), self._entities(rows)
        return zip(followed, *social, topics, entities, popular, fresh, strict=True)

    def _followed(self, rows: NDArray[np.int64]) -> list[Reason | None]:
        """Return for each article a reason naming one of its subjects that the reader follows."""
        catalog = self.state.catalog
        found: list[Reason | None] = [None] * len(rows)
        for subject in sorted(self.query.preferences.wanted):
            code = catalog.entities.get(subject)
            if code != UNKNOWN:
                for place in np.flatnonzero(catalog.has_entity(np.asarray([code]))[rows]).tolist():
                    found[place] = reason(FOLLOWED, subject=subject)
        for names, column in (
            (catalog.sources, catalog.source),
            (catalog.authors, catalog.author),
            (catalog.subcategories, catalog.subcategory),
            (catalog.categories, catalog.category),
        ):
            for subject in sorted(self.query.preferences.wanted):
                code = names.get(subject)
                for place in np.flatnonzero((column[rows] == code) & (code != UNKNOWN)).tolist():
                    found[place] = reason(FOLLOWED, subject=subject)
        return found

    def _shares(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return for each article [k] the share of the opened articles in its category; NaN if unknown."""
        catalog, history = self.state.catalog, self.query.history
        candidate_codes, read_codes = catalog.category[rows], catalog.category[history.article[opened(history)]]
        if not len(read_codes):
            return np.full(len(rows), np.nan)
        return np.where(candidate_codes >= 0, (candidate_codes[:, None] == read_codes).mean(axis=1), np.nan)

    def _topics(self, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> list[Reason | None]:
        """Return for each article a reason if a large share of many opened articles is in its category."""
        catalog = self.state.catalog
        enough = np.count_nonzero(opened(self.query.history)) >= LEAST_OPENED
        found: list[Reason | None] = [None] * len(rows)
        for place in np.flatnonzero(enough & (shares >= _TOPIC_SHARE)).tolist():
            name = catalog.categories.strings[catalog.category[rows[place]]]
            found[place] = reason(TOPIC, category=name, percent=_percent(shares[place]))
        return found

    def _entities(self, rows: NDArray[np.int64]) -> list[Reason | None]:
        """Return for each article a reason if the reader opened several articles about one of its entities."""
        catalog, history = self.state.catalog, self.query.history
        found: list[Reason | None] = [None] * len(rows)
        read_he = catalog.entity[history.article[opened(history)]]
        if not len(catalog.entities) or not len(read_he):
            return found
        counts = np.bincount((read_he + 1).ravel(), minlength=len(catalog.entities) + 1)
        shares = counts / len(read_he)
        counts[(shares < _LEAST_ENTITY) | (shares > _LARGEST_ENTITY)] = 0
        counts[0] = 0  # of UNKNOWN
        counts_ke = counts[catalog.entity[rows] + 1]
        most = counts_ke.argmax(axis=1)
        for place in np.flatnonzero(counts_ke.max(axis=1) >= _LEAST_OPENED_ENTITY).tolist():
            code = int(catalog.entity[rows[place], most[place]])
            count = int(counts_ke[place, most[place]])
            found[place] = reason(ENTITY, count=count, entity=catalog.entities.strings[code])
        return found


def _percent(share: float) -> int:
    """Return a share in whole percent, rounded down: 100% means all."""
    return int(share * 100 + 1e-9)
