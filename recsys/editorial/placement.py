"""Places that rules give to articles on one page: breaking news, pins, and articles that nobody should miss.

Breaking articles take free places among the first three; a pin gives way to them. Then come pins, then articles of
`must_see`. Two articles of one story are never placed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR, SECOND, Rule, RuleKind
from recsys.editorial.rule_book import PLACING, Rows, RuleBook
from recsys.state.live_state import LiveState

TOP = 3
"""Places of breaking articles, and most of them on a page."""

MOST_MUST_SEE = 3
"""Articles of `must_see` on one page; others follow with the next first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceableArticles:
    """Articles that rules may place for one reader.

    may_pin, unseen: masks [all]; a pin may show an article that the reader has seen, other rules may not.
    in_section: mask [all], of the section of the feed. exposed, exposed_at: exposures of the reader [e], dense ids
    and microseconds.
    """

    may_pin: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    in_section: NDArray[np.bool_]
    exposed: Rows
    exposed_at: NDArray[np.int64]

    def of(self, rule: Rule, rows: Rows, at: int) -> Rows:
        """Return the `rows` of a rule that the rule may place at the time `at`."""
        found = rows[(self.may_pin if rule.kind is RuleKind.PIN else self.unseen)[rows]]
        if rule.section is None:  # the section of a rule replaces that of the articles
            found = found[self.in_section[found]]
        if rule.kind is RuleKind.MUST_SEE:
            if at >= rule.begins_at + int((rule.value or 0) * HOUR):
                return found[:0]
            # exposures are known to the second
            since = self.exposed[self.exposed_at > rule.begins_at - SECOND]
            found = found[~np.isin(found, since)]
        return found


@dataclass(frozen=True, slots=True)
class Placement:
    """Places of one page.

    by_position: position from 0 → dense id. rules: dense id → rule. later: dense ids that wait for a place on a
    later page.
    """

    by_position: dict[int, int]
    rules: dict[int, Rule]
    later: tuple[int, ...] = ()

    @classmethod
    def empty(cls) -> "Placement":
        """Return the placement of a page without rules."""
        return cls({}, {})

    @property
    def rows(self) -> Rows:
        """Dense ids of all placed and waiting articles."""
        return np.asarray([*self.by_position.values(), *self.later], dtype=np.int64)


def place_articles(
    state: LiveState, rules: RuleBook, articles: PlaceableArticles, at: int, offset: int, limit: int
) -> Placement:
    """Place articles on a page of `limit` that follows `offset` others, by the rules in force."""
    newest_first = [
        (rule, articles.of(rule, rows, at)) for rule, rows in reversed(rules.of_kind(*PLACING)) if len(rows)
    ]

    def of_kind(kind: RuleKind) -> list[tuple[Rule, Rows]]:
        return [(rule, rows) for rule, rows in newest_first if rule.kind is kind]

    page = _Page(_Chosen(state), offset, limit)
    breaking = page.choose_breaking(of_kind(RuleKind.BREAKING))
    page.pin(of_kind(RuleKind.PIN), kept_free=len(breaking))
    page.put_at_top(breaking)
    page.add_must_see(reversed(of_kind(RuleKind.MUST_SEE)))
    return Placement(page.by_position, page.chosen.rules, tuple(page.later))


class _Chosen:
    """Articles that have a place; no other article of their stories gets one."""

    def __init__(self, state: LiveState) -> None:
        self.rules: dict[int, Rule] = {}
        self._state = state
        self._used: set[int] = set()

    def take(self, rule: Rule, rows: Rows, most: int) -> list[int]:
        """Return at most `most` of `rows`, newest first, one of each story."""
        stories, found = self._state.catalog.stories(), list[int]()
        since, hashes = self._state.available_since(rows), self._state.catalog.tie_break_hash[rows]
        for row in rows[np.lexsort((hashes, -since))].tolist():
            if len(found) >= most:
                break
            if row not in self._used:
                found.append(row)
                self.rules[row] = rule
                self._used.update(stories.with_copies(np.asarray([row], dtype=np.int64)).tolist())
        return found


@dataclass(slots=True)
class _Page:
    """Page of `limit` articles that follows `offset` others. by_position, later: see `Placement`."""

    chosen: _Chosen
    offset: int
    limit: int
    by_position: dict[int, int] = field(default_factory=dict)
    later: list[int] = field(default_factory=list)

    @property
    def top(self) -> int:
        """Number of the places of breaking articles."""
        return min(TOP, self.limit)

    def choose_breaking(self, rules: Iterable[tuple[Rule, Rows]]) -> list[int]:
        """Return the articles of these rules that have a place at the top; they get it after the pins."""
        found: list[int] = []
        for rule, rows in rules:
            found += self.chosen.take(rule, rows, self.top - len(found))
        return found

    def pin(self, rules: Iterable[tuple[Rule, Rows]], kept_free: int) -> None:
        """Pin articles to their places, or to the next free ones; `kept_free` places at the top stay free."""
        for rule, rows in sorted(rules, key=lambda pin: pin[0].place or 0):
            position = (rule.place or 1) - 1 - self.offset
            if position < 0:  # on an earlier page
                continue
            for row in self.chosen.take(rule, rows, 1):
                free = self._free(position, self.top - kept_free)
                if free is None:
                    self.later.append(row)
                else:
                    self.by_position[free] = row

    def put_at_top(self, rows: Iterable[int]) -> None:
        """Put articles at the free places of the top."""
        for row in rows:
            self.by_position[next(each for each in range(self.top) if each not in self.by_position)] = row

    def add_must_see(self, rules: Iterable[tuple[Rule, Rows]]) -> None:
        """Put the articles of these rules at the first free places; only a first page has some."""
        free = [each for each in range(self.limit) if each not in self.by_position]
        free = free[: 0 if self.offset else MOST_MUST_SEE]
        for rule, rows in rules:
            for row in self.chosen.take(rule, rows, len(free)):
                self.by_position[free.pop(0)] = row

    def _free(self, position: int, most_at_top: int) -> int | None:
        """Return the first free position from `position` on; at the top there are `most_at_top` for pins."""
        at_top = sum(each < TOP for each in self.by_position)
        first = position if at_top < most_at_top else max(position, TOP)
        return next((each for each in range(first, self.limit) if each not in self.by_position), None)
