"""Rules of editors on one page of a feed: the stage `edit` of the engine.

Banned articles leave before retrieval. Placed and boosted articles are candidates also if retrieval did not find
them. Boosts change scores, then selection puts placed articles in their places and keeps the quotas.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest, Rule, RuleKind
from recsys.editorial.placement import PlaceableArticles, Placement, place_articles
from recsys.editorial.rule_book import NO_ROWS, PLACING, Rows, RuleBook, is_among
from recsys.feed.retrieval import EDITORIAL, FeedLimits, allowed_for, available, fresh, one_per_story
from recsys.feed.selection.slate_edits import Edits, Limit
from recsys.ranking.query import Candidates, Query
from recsys.ranking.score_scaling import Utility, with_log_odds
from recsys.state.event_codes import HIDDEN
from recsys.state.live_state import LiveState

MOST_BOOSTED = 50
"""Boosted articles that are candidates although retrieval did not find them: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedPage:
    """Page of a feed that a reader requests.

    seen: dense ids of articles that the reader clicked, read or hid. shown: ids on earlier pages of this feed.
    whole_stories: see `FeedLimits`.
    """

    query: Query
    request: FeedRequest
    seen: Rows
    shown: tuple[str, ...]
    whole_stories: bool


@dataclass(frozen=True, slots=True)
class PageRules:
    """Rules in force for one page, and the articles that they place on it."""

    book: RuleBook
    placement: Placement

    @classmethod
    def of(cls, state: LiveState, rules: RuleBook, page: RequestedPage) -> "PageRules":
        """Return the rules in force for a page, and what they place on it."""
        at, request = page.query.as_of, page.request
        book = rules.in_force(at, request.category)
        if not book.of_kind(*PLACING):
            return cls(book, Placement.empty())
        articles = _placeable(state, book, page)
        offset = request.offset + len(page.shown)
        return cls(book, place_articles(state, book, articles, at, offset, request.limit))

    def add_candidates(self, state: LiveState, candidates: Candidates, allowed: NDArray[np.bool_]) -> Candidates:
        """Return `candidates` with placed articles, and with boosted ones that are `allowed` [all]."""
        boosted = self._boosted(state, allowed)
        return self._joined(state, candidates, np.append(self.placement.rows, boosted))

    def missing(self, candidates: Candidates) -> Candidates:
        """Return the articles placed on this page that are no candidates, as candidates without scores."""
        rows = np.asarray(list(self.placement.by_position.values()), dtype=np.int64)
        rows = rows[~np.isin(rows, candidates.rows)]
        return Candidates(rows=rows, sources=(EDITORIAL,) * len(rows))

    def without_copies(self, state: LiveState, candidates: Candidates) -> Candidates:
        """Return `candidates` without other articles of placed stories."""
        placed = self.placement.rows
        if not len(placed):
            return candidates
        copies = np.setdiff1d(state.catalog.stories().with_copies(placed), placed)
        return candidates.take(np.flatnonzero(~np.isin(candidates.rows, copies))) if len(copies) else candidates

    def edit(self, candidates: Candidates, utility: Utility) -> tuple[Candidates, Edits]:
        """Return the candidates [n] with boosted scores, and what selection must keep."""
        assert candidates.scores is not None
        if not self.book:
            return candidates, Edits()
        rows = candidates.rows
        scores = with_log_odds(utility, candidates.scores, self.book.log_odds(rows))
        limits = tuple(
            Limit(is_among(rows, matched), int(rule.value or 0))
            for rule, matched in self.book.of_kind(RuleKind.QUOTA)
        )
        place_of = {row: place for place, row in enumerate(rows.tolist())}
        placed = {position: place_of[row] for position, row in self.placement.by_position.items()}
        withheld = np.isin(rows, self.placement.rows) if len(self.placement.rows) else None
        return replace(candidates, scores=scores), Edits(placed, withheld, limits)

    def acting_on(self, rows: Rows) -> list[tuple[Rule, ...]]:
        """Return the rules that act on each of `rows` [n]; the rule that placed an article is the first."""
        if not self.book:
            return [()] * len(rows)
        placing, on_page = self.placement.rules, set(self.placement.by_position.values())
        return [
            (*([placing[row]] if row in on_page else []), *others)
            for row, others in zip(rows.tolist(), self.book.acting_on(rows), strict=True)
        ]

    def _boosted(self, state: LiveState, allowed: NDArray[np.bool_]) -> Rows:
        boosts = [rows for _, rows in self.book.of_kind(RuleKind.BOOST)]
        if not boosts:
            return NO_ROWS
        rows = np.unique(np.concatenate(boosts))
        return fresh(state, rows[one_per_story(state, allowed)[rows]], MOST_BOOSTED)

    def _joined(self, state: LiveState, candidates: Candidates, rows: Rows) -> Candidates:
        if not len(rows):
            return candidates
        candidates = self.without_copies(state, candidates)
        stories = state.catalog.stories()
        known = np.append(candidates.rows, self.placement.rows)
        # a boosted article of a story that has a candidate would stand beside it
        alone = ~np.isin(rows, stories.with_copies(known)) | np.isin(rows, self.placement.rows)
        new = np.unique(rows[alone & ~np.isin(rows, candidates.rows)])
        # in an order that does not depend on dense ids
        new = new[np.argsort(state.catalog.tie_break_hash[new], kind="stable")]
        sources = (*candidates.sources, *(EDITORIAL,) * len(new))
        return Candidates(rows=np.append(candidates.rows, new), sources=sources)


def _placeable(state: LiveState, book: RuleBook, page: RequestedPage) -> PlaceableArticles:
    """Return the articles that rules may place. They overrule mutes, and the largest age, but nothing else.

    An article that the reader hid stays away also from pins, and one that the request excludes from all rules.
    """
    query, request, whole_stories = page.query, page.request, page.whole_stories
    anything = FeedLimits(whole_stories=whole_stories)
    everywhere = replace(request, category=None)
    unmuted = replace(query, preferences=replace(query.preferences, mute=frozenset()))
    history = state.history(request.reader, state.histories.rings.length)
    hidden = history.article[(history.flags & HIDDEN) > 0]
    before = state.rows_of(page.shown) if page.shown else NO_ROWS
    may_pin = allowed_for(state, unmuted, everywhere, np.append(hidden, before), anything, book.banned())
    excluded = state.catalog.stories().with_copies(page.seen) if whole_stories else page.seen
    unseen = may_pin.copy()
    unseen[excluded] = False
    in_section = np.ones(len(may_pin), dtype=np.bool_)
    if request.category is not None:
        in_section = available(state, query.as_of, request.category, None)
    exposures = state.exposures.of(query.reader, state.exposures.rings.length) if query.reader >= 0 else None
    exposed, exposed_at = exposures or (NO_ROWS, NO_ROWS)
    return PlaceableArticles(
        may_pin=may_pin, unseen=unseen, in_section=in_section, exposed=exposed, exposed_at=exposed_at
    )
