"""Rules of editors that stand now and did not before, with the articles that they may match."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recsys.domain import MatchField, Rule
from recsys.editorial.rule_book import NO_ROWS, RuleBook
from recsys.editorial.rule_matches import COLUMNS
from recsys.frames import ARTICLES, empty
from recsys.state.live_state import LiveState
from recsys.store import articles, rules
from recsys.store.database import Connection
from recsys.store.revisions import last_revision

_MOST_URGENT = 100
"""Articles that a new rule makes known before they are encoded."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleChanges:
    """Change of the rules in force.

    standing: all rules in force now; new: those that were not before. articles: those that new rules may match,
    with the columns that matching needs, up to `revision`.
    """

    standing: Sequence[Rule]
    new: Sequence[Rule]
    articles: pl.DataFrame
    revision: int


def rule_changes(connection: Connection, before: RuleBook, at: int) -> RuleChanges | None:
    """Return how the rules in force at `at` (microseconds) differ from those of `before`; None if they do not."""
    standing = rules.standing(connection, at)
    known = {rule.id for rule in before.rules}
    new = [rule for rule in standing if rule.id not in known]
    if not new and len(known) == len(standing):
        return None
    ids = [rule.match for rule in new if rule.field is MatchField.ARTICLE]
    revision = last_revision(connection)
    # rules about single articles, such as breaking news, need not wait for the whole catalogue
    found = articles.columns_of(connection, COLUMNS, ids if len(ids) == len(new) else None)
    return RuleChanges(standing, new, found, revision)


def unknown_articles(connection: Connection, changes: RuleChanges, state: LiveState) -> pl.DataFrame:
    """Return the articles that new rules place and that `state` lacks, because they wait to be encoded.

    They are read again, so that an article withdrawn meanwhile does not come back.
    """
    new = tuple(changes.new)
    ids = RuleBook(new, (NO_ROWS,) * len(new)).placed_among(changes.articles)["id"].to_list()
    described = state.catalog.described[state.rows_of(ids)].tolist()
    unknown = [id_ for id_, known in zip(ids, described, strict=True) if not known]
    return articles.get(connection, unknown[:_MOST_URGENT]) if unknown else empty(ARTICLES)
