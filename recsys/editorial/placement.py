"""Places that rules give to articles on one page: breaking news, pins, and articles that nobody should miss.

Breaking articles take free places among the first three; a pin gives way to them. Then come pins, then articles of
`must_see`. Two articles of one story are never placed.
"""

from dataclasses import dataclass

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
    chosen = _Chosen(state)
    newest_first = [
        (rule, articles.of(rule, rows, at)) for rule, rows in reversed(rules.of_kind(*PLACING)) if len(rows)
    ]
    top = min(TOP, limit)
    breaking: list[int] = []
    for rule, rows in newest_first:
        if rule.kind is RuleKind.BREAKING:
            breaking += chosen.take(rule, rows, top - len(breaking))
    by_position: dict[int, int] = {}
    later: list[int] = []
    pins = [(rule, rows) for rule, rows in newest_first if rule.kind is RuleKind.PIN]
    for rule, rows in sorted(pins, key=lambda pin: pin[0].place or 0):
        position = (rule.place or 1) - 1 - offset
        for row in chosen.take(rule, rows, 1) if position >= 0 else ():
            free = _free(by_position, position, limit, top - len(breaking))
            if free is None:
                later.append(row)
            else:
                by_position[free] = row
    for row in breaking:
        by_position[next(each for each in range(top) if each not in by_position)] = row
    unused = [each for each in range(limit) if each not in by_position][: 0 if offset else MOST_MUST_SEE]
    for rule, rows in reversed(newest_first):
        if rule.kind is RuleKind.MUST_SEE:
            for row in chosen.take(rule, rows, len(unused)):
                by_position[unused.pop(0)] = row
    return Placement(by_position, chosen.rules, tuple(later))


def _free(taken: dict[int, int], position: int, limit: int, most_at_top: int) -> int | None:
    """Return the first free position from `position` on; of the first three, pins get at most `most_at_top`."""
    at_top = sum(each < TOP for each in taken)
    first = position if at_top < most_at_top else max(position, TOP)
    return next((each for each in range(first, limit) if each not in taken), None)


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
