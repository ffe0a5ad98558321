"""Summaries of articles in memory, for the items of a feed: no feed reads them from the database."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from recsys.domain import Article
from recsys.records import fields_of

SUMMARY = ("id", *(field.name for field in fields_of(Article) if field.shown))
"""Columns of `frames.ARTICLES` that feed items show, and the id."""

ArticleSummary = tuple[Any, ...]
"""Values of one article, in the order of `SUMMARY`."""


_ID, _TITLE, _PUBLISHED = (SUMMARY.index(name) for name in ("id", "title", "published_at"))
_SECTIONS = tuple(SUMMARY.index(name) for name in ("category", "subcategory"))


class ArticleCache:
    """Summaries of all articles, about a tenth of what their vectors take."""

    def __init__(self) -> None:
        self._summaries: dict[str, ArticleSummary] = {}

    def put(self, articles: pl.DataFrame) -> None:
        """Store the summaries of article rows (`frames.ARTICLES`)."""
        self._summaries.update((row[0], row) for row in articles.select(SUMMARY).iter_rows())

    def search(self, text: str, section: str | None = None) -> list[ArticleSummary]:
        """Return the summaries whose title has all words of `text`, or whose id is `text`: newest first.

        Case does not matter in titles. section: only articles of this category or subcategory.
        """
        words = text.casefold().split()
        name = None if section is None else section.strip().casefold()
        found = [
            row
            for row in tuple(self._summaries.values())  # a copy: another thread may add articles
            if (row[_ID] == text.strip() or _has_all(row[_TITLE], words)) and (name is None or _is_in(row, name))
        ]
        return sorted(found, key=lambda row: (-(row[_PUBLISHED] or 0), row[_ID]))

    def drop(self, ids: Sequence[str]) -> None:
        """Remove deleted articles."""
        for id_ in ids:
            self._summaries.pop(id_, None)

    def of(self, ids: Sequence[str]) -> dict[str, ArticleSummary]:
        """Return the summaries of `ids`; unknown ids are left out."""
        found = ((id_, self._summaries.get(id_)) for id_ in ids)
        return {id_: summary for id_, summary in found if summary is not None}


def _has_all(title: str, words: Sequence[str]) -> bool:
    folded = title.casefold()
    return all(word in folded for word in words)


def _is_in(row: ArticleSummary, section: str) -> bool:
    return any(row[place] is not None and row[place].strip().casefold() == section for place in _SECTIONS)
