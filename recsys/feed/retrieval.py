"""Candidate retrieval for a feed, from several named sources, without articles seen or excluded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.constants import HalfLife
from recsys.domain import DAY, FeedRequest
from recsys.feed.knn import deep_reads, distinct, nearest
from recsys.index.vector_index import VectorIndex
from recsys.ranking.age_support import AgeSupport
from recsys.ranking.query import Candidates, Query
from recsys.ranking.social_circle import NOBODY, is_social, own_articles
from recsys.settings import Settings
from recsys.state.catalog import NEVER, Catalog
from recsys.state.event_codes import CLICKS
from recsys.state.live_state import LiveState
from recsys.state.stories import Stories
from recsys.state.vocabulary import UNKNOWN
from recsys.user_model.matcher import Matcher

INTEREST, SIMILAR, TRENDING, FRESH, EXPLORE = "interest", "similar", "trending", "fresh", "explore"
FOLLOWED = "followed"
FOLLOWED_AUTHORS, LIKED_BY_FOLLOWED, OWN_THREADS = "followed_authors", "liked_by_followed", "own_threads"
EDITORIAL = "editorial"
SOURCES = (
    FOLLOWED,
    FOLLOWED_AUTHORS,
    LIKED_BY_FOLLOWED,
    OWN_THREADS,
    INTEREST,
    SIMILAR,
    TRENDING,
    FRESH,
    EXPLORE,
    EDITORIAL,
)
"""The last one is of articles that only a rule of an editor brought in."""

_SHARES = {INTEREST: 0.4, SIMILAR: 0.15, TRENDING: 0.25, FRESH: 0.15, EXPLORE: 0.05}
_FOLLOWED_SHARE = 0.15
"""Share of additional candidates for readers who follow or focus on a topic or source."""

_SOCIAL_SHARES = {FOLLOWED_AUTHORS: 0.25, LIKED_BY_FOLLOWED: 0.2, OWN_THREADS: 0.05}
"""Shares of additional candidates for readers who follow authors or took part in conversations."""

_LEAST_PAGES = 3
"""Pages of a feed for which candidates must be left; if not, their age does not matter."""


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Limits of a feed.

    pool: candidates ranked for one feed. max_age_days: older articles are not retrieved; None: the ages that the
    models support, and older ones where few are left. whole_stories: the other articles of a story that a reader
    read or hid are not retrieved either. fresh_share: share of the exploration that tries new articles.
    """

    pool: int = 300
    max_age_days: float | None = None
    whole_stories: bool = True
    fresh_share: float = 0.0


def feed_limits(settings: Settings) -> FeedLimits:
    """Return the limits that the operator set."""
    return FeedLimits(
        settings.feed_candidates, settings.max_article_age_days, settings.whole_stories, settings.fresh_share
    )


@dataclass(frozen=True, slots=True)
class Retriever:
    """Retriever of about `pool` candidates from all sources."""

    state: LiveState
    index: VectorIndex | None
    matcher: Matcher
    pool: int

    def retrieve(self, query: Query, allowed: NDArray[np.bool_], rng: np.random.Generator) -> Candidates:
        """Retrieve candidates among the `allowed` articles [all].

        A story is one candidate. A reader without history gets trending, fresh and random articles. The result
        depends on article ids, not on the state's dense ids, and (with an exact index) not on articles that are
        not allowed.
        """
        state, count = self.state, self.pool
        allowed = one_per_story(state, allowed)
        rows = np.flatnonzero(allowed)
        subjects = query.preferences.wanted
        shares = {**_SHARES, **_SOCIAL_SHARES}
        quotas = {source: int(np.ceil(share * count)) for source, share in shares.items()}
        quotas[FOLLOWED] = int(np.ceil(_FOLLOWED_SHARE * count)) if subjects else 0
        interests = distinct(self.matcher.interests(query.reads, query.as_of))
        deep = distinct(deep_reads(query.reads))
        found = {
            **self._social(query, rows, quotas),
            FOLLOWED: fresh(state, rows[matches_subjects(state.catalog, subjects, rows)], quotas[FOLLOWED]),
            INTEREST: nearest(state, self.index, interests, allowed, quotas[INTEREST]),
            SIMILAR: nearest(state, self.index, deep, allowed, quotas[SIMILAR]),
            TRENDING: trending(state, rows, count),
            FRESH: fresh(state, rows, count),
            EXPLORE: drawn(state, allowed, quotas[EXPLORE], rng),
        }
        return _merge(found, quotas, allowed, count)

    def _social(
        self, query: Query, rows: NDArray[np.int64], quotas: Mapping[str, int]
    ) -> dict[str, NDArray[np.int64]]:
        """Return the newest of `rows` by followed authors, those most liked by them, and of own threads."""
        state, circle = self.state, query.circle
        if circle is NOBODY:
            return {}
        by_followed = rows[np.isin(state.catalog.author[rows], circle.authors)]
        threads = rows[np.isin(state.conversations.roots()[rows], circle.threads)]
        known = np.isin(circle.liked, rows)
        return {
            FOLLOWED_AUTHORS: fresh(state, by_followed, quotas[FOLLOWED_AUTHORS]),
            LIKED_BY_FOLLOWED: _top(state, circle.liked[known], circle.likes[known], quotas[LIKED_BY_FOLLOWED]),
            OWN_THREADS: fresh(state, threads, quotas[OWN_THREADS]),
        }


def drawn(state: LiveState, allowed: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw `count` of the `allowed` articles [all] uniformly; it depends on article ids, not on dense ids."""
    rows_by_tie_break = state.catalog.rows_by_tie_break(len(allowed))
    rows = rows_by_tie_break[allowed[rows_by_tie_break]]
    return rng.choice(rows, min(count, len(rows)), replace=False)


def trending(state: LiveState, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the `count` of `rows` with the most recent clicks (half-life four hours)."""
    return _top(state, rows, state.counters.articles[:, CLICKS, HalfLife.HOURS_4][rows], count)


def fresh(state: LiveState, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the `count` of `rows` that became available last."""
    return _top(state, rows, state.available_since(rows), count)


def available(state: LiveState, as_of: int, category: str | None, max_age_days: float | None) -> NDArray[np.bool_]:
    """Return the mask of articles [all] that any reader may see, of one `category` if given.

    An article leaves at its `expires_at`; a request can still name it among candidates to rank.
    """
    catalog = state.catalog
    since = state.available_since(slice(len(state.first_shown)))
    current = catalog.described & (catalog.expires > as_of)
    allowed = current & (since != NEVER) & (since < as_of)
    if max_age_days is not None:
        allowed &= since >= as_of - int(max_age_days * DAY)
    if not allowed.any():
        # no article has a date or was shown: a feed of undated articles is better than an empty one
        allowed = current & (since == NEVER)
    if category is not None:
        code = catalog.categories.get(category)
        allowed &= (catalog.category == code) & (code != UNKNOWN)
    allowed[0] = False
    return np.asarray(allowed)


def allowed_for(
    state: LiveState,
    query: Query,
    request: FeedRequest,
    seen: NDArray[np.int64],
    limits: FeedLimits,
    banned: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return the mask of articles [all] that this reader may see now.

    seen: dense ids not to show again. banned: dense ids that rules ban.
    """
    allowed = available(state, query.as_of, request.category, limits.max_age_days)
    allowed &= ~matches_subjects(state.catalog, query.preferences.mute, slice(len(allowed)))
    excluded = np.append(seen, state.rows_of(sorted(request.exclude)))
    if limits.whole_stories:
        excluded = state.catalog.stories().with_copies(excluded)
    allowed[excluded] = False
    allowed[banned] = False
    if is_social(state, query.as_of):  # of a newspaper a reader may have the name of a journalist
        allowed[own_articles(state, state.catalog.authors.get(request.reader))] = False
    if request.free_only:
        allowed &= state.catalog.paid[: len(allowed)] != 1.0  # NaN: unknown access is free
    return allowed


def within_reach(
    state: LiveState, as_of: int, allowed: NDArray[np.bool_], ages: AgeSupport, limit: int
) -> NDArray[np.bool_]:
    """Return the `allowed` articles [all] that `ages` reaches; all if too few are left for pages of `limit`."""
    near = allowed & ages.within_reach(state, slice(len(allowed)), as_of)
    return allowed if np.count_nonzero(near) < _LEAST_PAGES * limit else near


def one_per_story(state: LiveState, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask with one of the `allowed` articles [all] of each story: the most clicked, then the first."""
    stories = state.catalog.stories()
    copies = stories.copies[allowed[stories.copies]]
    if not len(copies):
        return allowed
    out = allowed.copy()
    out[copies] = False
    # passes over the copies, which stand by story, are several times faster than to sort them by all three keys
    best = _least_of_story(stories, copies, -state.counters.articles[copies, CLICKS, HalfLife.HOURS_4])
    best = _least_of_story(stories, best, state.available_since(best))
    best = _least_of_story(stories, best, state.catalog.tie_break_hash[best])  # hashes differ: one is left
    out[best] = True
    return out


def _least_of_story(stories: Stories, copies: NDArray[np.int64], by: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return those of `copies` [c], which stand by story, with the least `by` [c] of their story."""
    story = stories.of[copies]
    begins = np.flatnonzero(np.append(True, story[1:] != story[:-1]))
    least = np.minimum.reduceat(by, begins)
    return np.asarray(copies[by == np.repeat(least, np.diff(begins, append=len(copies)))])


def matches_subjects(
    catalog: Catalog, subjects: Collection[str], rows: NDArray[np.int64] | slice
) -> NDArray[np.bool_]:
    """Return True for each of `rows` [n] with a topic, source, author or entity among `subjects`."""
    found = np.zeros(len(catalog.category[rows]), dtype=np.bool_)
    if not subjects:  # fast path: most readers have no preferences
        return found
    for names, column in (
        (catalog.categories, catalog.category),
        (catalog.subcategories, catalog.subcategory),
        (catalog.sources, catalog.source),
    ):
        codes = names.lookup(sorted(subjects))
        found |= np.isin(column[rows], codes[codes != UNKNOWN])
    authors = catalog.authors.lookup(sorted(subjects))
    found |= np.isin(catalog.author[rows], authors[authors != UNKNOWN])
    entities = catalog.entities.lookup(sorted(subjects))
    entities = entities[entities != UNKNOWN]
    if len(entities):
        found |= catalog.has_entity(entities)[rows]
    return found


def _top(
    state: LiveState, rows: NDArray[np.int64], by: NDArray[np.float64] | NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return the `count` of `rows` with the largest `by`, largest first; ties are broken by a hash of the id."""
    order = state.catalog.tie_break_hash
    if not count:
        return rows[:0]
    if len(rows) > count:
        least = np.partition(by, -count)[-count]
        tied = np.flatnonzero(by == least)
        above = np.flatnonzero(by > least)
        places_left = count - len(above)
        if len(tied) > places_left:  # thousands of articles may have no clicks
            tied = tied[np.argpartition(order[rows[tied]], places_left - 1)[:places_left]]
        top = np.concatenate((above, tied))
        rows, by = rows[top], by[top]
    return rows[np.lexsort((order[rows], -by))]


def _merge(
    found: dict[str, NDArray[np.int64]], quotas: dict[str, int], allowed: NDArray[np.bool_], count: int
) -> Candidates:
    """Take each source's quota, then fill up from trending and fresh."""
    source_of: dict[int, str] = {}
    for source, rows in found.items():
        _take(source_of, source, rows[allowed[rows]].tolist(), quotas[source])
    for source in (TRENDING, FRESH):
        rows = found[source]
        _take(source_of, source, rows[allowed[rows]].tolist(), count - len(source_of))
    rows = np.fromiter(source_of, dtype=np.int64, count=len(source_of))
    return Candidates(rows=rows, sources=tuple(source_of.values()))


def _take(source_of: dict[int, str], source: str, rows: Sequence[int], most: int) -> None:
    new = [row for row in rows if row not in source_of]
    source_of.update(dict.fromkeys(new[: max(most, 0)], source))
