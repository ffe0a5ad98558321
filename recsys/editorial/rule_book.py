"""Rules with the articles that they match, as dense rows: no request compares texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import Rule, RuleKind
from recsys.editorial.rule_matches import matches
from recsys.ranking.query import FloatArray
from recsys.state.live_state import LiveState

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.zeros(0, dtype=np.int64)

PLACING = (RuleKind.PIN, RuleKind.BREAKING, RuleKind.MUST_SEE)
"""Kinds of rules that give places to articles."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules of editors. rows: dense ids of the articles that each rule matches, ascending [rules][n]."""

    rules: tuple[Rule, ...] = ()
    rows: tuple[Rows, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    @classmethod
    def of(cls, rules: Sequence[Rule], state: LiveState, articles: pl.DataFrame) -> "RuleBook":
        """Match `rules` with `articles` (columns of `frames.ARTICLES`), except those that the state lacks."""
        return cls(tuple(rules), (NO_ROWS,) * len(rules)).with_articles(state, articles)

    def with_articles(self, state: LiveState, articles: pl.DataFrame) -> "RuleBook":
        """Return the rules matched again with new or changed `articles`; all others keep their matches."""
        if not self.rules or articles.is_empty():
            return self
        rows = state.articles.lookup(articles["id"].to_list())
        known = rows >= 0
        found = [rows[mask.to_numpy() & known] for mask in matches(self.rules, articles)]
        kept = [np.setdiff1d(before, rows) for before in self.rows]
        return RuleBook(self.rules, tuple(np.union1d(*each) for each in zip(kept, found, strict=True)))

    def with_rules(self, rules: Sequence[Rule], matched: "RuleBook") -> "RuleBook":
        """Return the book of `rules`: with the matches of this book, or else those of `matched`."""
        rows = {
            rule.id: each for book in (matched, self) for rule, each in zip(book.rules, book.rows, strict=True)
        }
        return RuleBook(tuple(rules), tuple(rows[rule.id] for rule in rules))

    def moved(self, new_rows: Rows) -> "RuleBook":
        """Return the book with `new_rows[r]` for each row `r`; negative ones are left out."""
        moved = [new_rows[rows] for rows in self.rows]
        return RuleBook(self.rules, tuple(np.sort(each[each >= 0]) for each in moved))

    def placed_among(self, articles: pl.DataFrame) -> pl.DataFrame:
        """Return those of `articles` that a rule places, now or at another time."""
        placed = pl.repeat(False, articles.height, eager=True)
        for mask in matches([rule for rule, _ in self.of_kind(*PLACING)], articles):
            placed |= mask
        return articles.filter(placed)

    def in_force(self, at: int, section: str | None) -> "RuleBook":
        """Return the rules that act at `at` (microseconds) in a feed of `section`; None: of all sections."""
        if not self.rules:  # fast path: most publishers have none
            return self
        name = _name(section)
        acting = [
            i for i, rule in enumerate(self.rules) if rule.in_force(at) and _name(rule.section) in ("", name)
        ]
        return RuleBook(tuple(self.rules[i] for i in acting), tuple(self.rows[i] for i in acting))

    def of_kind(self, *kinds: RuleKind) -> list[tuple[Rule, Rows]]:
        """Return the rules of these kinds, oldest first, with their rows."""
        return [pair for pair in zip(self.rules, self.rows, strict=True) if pair[0].kind in kinds]

    def banned(self) -> Rows:
        """Return the rows that no feed or list may show."""
        banned = [rows for _, rows in self.of_kind(RuleKind.BAN)]
        return np.concatenate(banned) if banned else NO_ROWS

    def log_odds(self, rows: Rows) -> FloatArray:
        """Return the sum of boosts and demotions of `rows` [n]."""
        total = np.zeros(len(rows))
        for rule, matched in self.of_kind(RuleKind.BOOST, RuleKind.DEMOTE):
            total[is_among(rows, matched)] += rule.log_odds
        return total

    def acting_on(self, rows: Rows) -> list[list[Rule]]:
        """Return the boosts, demotions and quotas of each of `rows` [n], oldest first."""
        acting: list[list[Rule]] = [[] for _ in range(len(rows))]
        for rule, matched in self.of_kind(RuleKind.BOOST, RuleKind.DEMOTE, RuleKind.QUOTA):
            for place in np.flatnonzero(is_among(rows, matched)).tolist():
                acting[place].append(rule)
        return acting


def is_among(rows: Rows, ascending: Rows) -> NDArray[np.bool_]:
    """Return True for each of `rows` [n] that is in `ascending` [m]: quicker than `numpy.isin` for small n."""
    if not len(ascending):
        return np.zeros(len(rows), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, rows), len(ascending) - 1)
    return np.asarray(ascending[places] == rows)


def _name(section: str | None) -> str:
    return "" if section is None else section.strip().casefold()
