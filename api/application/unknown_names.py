"""Warnings about names that this process does not know: a caller may have misspelled them, or they come later."""

from collections.abc import Iterable, Sequence

import numpy as np

from api.application.context import Application
from recsys.domain import MatchField, Rule
from recsys.editorial.rule_matches import COLUMNS, matches
from recsys.state.vocabulary import UNKNOWN
from recsys.store import articles

_MOST = 10
"""Number of unknown names in a warning."""


def unknown_articles(app: Application, ids: Iterable[str]) -> list[str]:
    """Return a warning if this process knows no articles of `ids`: not stored, or since seconds ago only."""
    given = list(dict.fromkeys(ids))
    known = app.feed.live.summaries.of(given)
    found = _warning([id_ for id_ in given if id_ not in known], "no known article has the id")
    return [f"{each}; a new article is known some seconds after it is stored" for each in found]


def unknown_subjects(app: Application, subjects: Sequence[str]) -> list[str]:
    """Return a warning if no stored article has one of these topics, sources, authors or entities."""
    catalog = app.feed.engine.state.catalog
    names = (catalog.categories, catalog.subcategories, catalog.sources, catalog.entities)
    unknown = [subject for subject in subjects if all(each.get(subject) == UNKNOWN for each in names)]
    codes = catalog.authors.lookup(unknown)  # of authors, and of everything that readers follow
    writes = np.isin(codes, catalog.author[catalog.author != UNKNOWN])
    unknown = [subject for subject, is_author in zip(unknown, writes, strict=True) if not is_author]
    return _warning(unknown, "no stored article has the topic, source, author or entity")


def unknown_category(app: Application, category: str | None) -> list[str]:
    """Return a warning if no stored article has the category."""
    known = category is None or app.feed.engine.state.catalog.categories.get(category) != UNKNOWN
    return [] if known or category is None else _warning([category], "no stored article has the category")


def unmatched_rule(app: Application, rule: Rule) -> list[str]:
    """Return a warning if `rule` matches no stored article.

    Raises:
        StoreError: the database is unavailable.
    """
    ids = [rule.match] if rule.field is MatchField.ARTICLE else None
    with app.database.read() as connection:
        stored = articles.columns_of(connection, COLUMNS, ids)
    [mask] = matches([rule], stored)
    if mask.any():
        return []
    return [f"no stored article matches {rule.field}={rule.match} yet: remove the rule if it is misspelled"]


def _warning(unknown: Sequence[str], problem: str) -> list[str]:
    if not unknown:
        return []
    others = f" and {len(unknown) - _MOST} more" if len(unknown) > _MOST else ""
    return [f"{problem} {', '.join(map(repr, unknown[:_MOST]))}{others}"]
