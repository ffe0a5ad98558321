"""Candidates of a feed: several sources, each named, none showing what the reader has had or may not see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY, FeedRequest
from recsys.feed.knn import deep_reads, distinct, nearest
from recsys.index.vector_index import VectorIndex
from recsys.state.catalog import NEVER, Catalog
from recsys.state.event_codes import CLICKS
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN
from recsys.store.explicit_preferences import Preferences
from recsys.user_model.matcher import Matcher, ReadHistory

INTEREST, SIMILAR, TRENDING, FRESH, EXPLORE = "interest", "similar", "trending", "fresh", "explore"
FOLLOWED = "followed"
SOURCES = (FOLLOWED, INTEREST, SIMILAR, TRENDING, FRESH, EXPLORE)

_SHARES = {INTEREST: 0.4, SIMILAR: 0.15, TRENDING: 0.25, FRESH: 0.15, EXPLORE: 0.05}
_FOLLOWED_SHARE = 0.15
"""Of the candidates, on top of the others: only who follows or focuses on something has such."""

TRENDING_HALF_LIFE = 2
"""Which of the counters' half-lives tells what trends."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Dense article ids [n], each with the first source that named it [n]."""

    rows: NDArray[np.int64]
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sources know of a request.

    had: dense ids of articles not to show again; reads: for interest; said: of topics and sources.
    """

    request: FeedRequest
    had: NDArray[np.int64]
    reads: ReadHistory
    matcher: Matcher
    rng: np.random.Generator
    said: Preferences = field(default_factory=Preferences)

    @property
    def wanted(self) -> frozenset[str]:
        """Topics and sources that the reader follows or focuses on."""
        return self.said.follow | self.said.focus


def retrieve(
    state: LiveState, index: VectorIndex | None, asked: Asked, count: int, max_age: float = np.inf
) -> Candidates:
    """About `count` candidates that were available before `as_of` (not older than `max_age` days).

    A reader without history gets what trends, what is new and some of the rest. What is found depends on article
    ids, not on the state's dense ids, and (by an exact index) not on articles that may not be shown.
    """
    allowed = allowed_for(state, asked, max_age)
    rows = np.flatnonzero(allowed)
    wanted = {source: int(np.ceil(share * count)) for source, share in _SHARES.items()}
    wanted[FOLLOWED] = int(np.ceil(_FOLLOWED_SHARE * count)) if asked.wanted else 0
    interests = asked.matcher.interests(asked.reads, asked.request.as_of)
    found = {
        FOLLOWED: fresh(state, rows[of_subjects(state.catalog, asked.wanted, rows)], wanted[FOLLOWED]),
        INTEREST: nearest(state, index, distinct(interests), allowed, wanted[INTEREST]),
        SIMILAR: nearest(state, index, distinct(deep_reads(asked.reads)), allowed, wanted[SIMILAR]),
        TRENDING: trending(state, rows, count),
        FRESH: fresh(state, rows, count),
        EXPLORE: drawn(state, allowed, wanted[EXPLORE], asked.rng),
    }
    return _merge(found, wanted, allowed, count)


def drawn(state: LiveState, allowed: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` of the `allowed` articles [all], drawn evenly; which ones depends on their ids alone."""
    by_order = state.catalog.by_order(len(allowed))
    rows = by_order[allowed[by_order]]
    return rng.choice(rows, min(count, len(rows)), replace=False)


def trending(state: LiveState, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The `count` of `rows` that were clicked most lately."""
    return _top(state, rows, state.counters.articles[:, CLICKS, TRENDING_HALF_LIFE][rows], count)


def fresh(state: LiveState, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The `count` of `rows` that became available last."""
    return _top(state, rows, state.available_since(rows), count)


def available(state: LiveState, as_of: int, category: str | None, max_age: float) -> NDArray[np.bool_]:
    """Which articles [all] may be shown to anybody, of one category if it is named."""
    catalog = state.catalog
    since = state.available_since(slice(len(state.first_shown)))
    allowed = catalog.described & (since != NEVER) & (since < as_of)
    if np.isfinite(max_age):
        allowed &= since >= as_of - int(max_age * DAY)
    if not allowed.any():
        # nothing has a date or was ever shown: a feed of undated articles is better than none
        allowed = catalog.described & (since == NEVER)
    if category is not None:
        code = catalog.categories.get(category)
        allowed &= (catalog.category == code) & (code != UNKNOWN)
    allowed[0] = False
    return np.asarray(allowed)


def allowed_for(state: LiveState, asked: Asked, max_age: float) -> NDArray[np.bool_]:
    """Which articles [all] may be shown to this reader now."""
    request = asked.request
    allowed = available(state, request.as_of, request.category, max_age)
    allowed &= ~of_subjects(state.catalog, asked.said.mute, slice(len(allowed)))
    allowed[asked.had] = False
    allowed[state.rows_of(sorted(request.exclude))] = False
    return allowed


def of_subjects(catalog: Catalog, subjects: Collection[str], rows: NDArray[np.int64] | slice) -> NDArray[np.bool_]:
    """Which articles of `rows` [n] are of a category, subcategory or source among `subjects`."""
    found = np.zeros(len(catalog.category[rows]), dtype=np.bool_)
    if not subjects:  # most readers never said anything, and every feed asks
        return found
    for names, column in (
        (catalog.categories, catalog.category),
        (catalog.subcategories, catalog.subcategory),
        (catalog.sources, catalog.source),
    ):
        codes = names.lookup(sorted(subjects))
        found |= np.isin(column[rows], codes[codes != UNKNOWN])
    return found


def _top(
    state: LiveState, rows: NDArray[np.int64], by: NDArray[np.float64] | NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """The `count` of `rows` with the largest `by`, largest first; equal ones in an order by their ids alone."""
    order = state.catalog.order
    if len(rows) > count:
        least = np.partition(by, -count)[-count]
        tied = np.flatnonzero(by == least)
        above = np.flatnonzero(by > least)
        left = count - len(above)
        if len(tied) > left:  # thousands may never have been clicked
            tied = tied[np.argpartition(order[rows[tied]], left - 1)[:left]]
        near = np.concatenate((above, tied))
        rows, by = rows[near], by[near]
    return rows[np.lexsort((order[rows], -by))]


def _merge(
    found: dict[str, NDArray[np.int64]], wanted: dict[str, int], allowed: NDArray[np.bool_], count: int
) -> Candidates:
    """Each source gives its share; what stays empty is filled up from trending and fresh."""
    source_of: dict[int, str] = {}
    for source, rows in found.items():
        _take(source_of, source, rows[allowed[rows]].tolist(), wanted[source])
    for source in (TRENDING, FRESH):
        rows = found[source]
        _take(source_of, source, rows[allowed[rows]].tolist(), count - len(source_of))
    return Candidates(np.fromiter(source_of, dtype=np.int64, count=len(source_of)), list(source_of.values()))


def _take(source_of: dict[int, str], source: str, rows: Sequence[int], most: int) -> None:
    new = [row for row in rows if row not in source_of]
    source_of.update(dict.fromkeys(new[: max(most, 0)], source))
