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


class ArticleCache:
    """Summaries of all articles, about a tenth of what their vectors take."""

    def __init__(self) -> None:
        self._summaries: dict[str, ArticleSummary] = {}

    def put(self, articles: pl.DataFrame) -> None:
        """Store the summaries of article rows (`frames.ARTICLES`)."""
        self._summaries.update((row[0], row) for row in articles.select(SUMMARY).iter_rows())

    def drop(self, ids: Sequence[str]) -> None:
        """Remove deleted articles."""
        for id_ in ids:
            self._summaries.pop(id_, None)

    def of(self, ids: Sequence[str]) -> dict[str, ArticleSummary]:
        """Return the summaries of `ids`; unknown ids are left out."""
        found = ((id_, self._summaries.get(id_)) for id_ in ids)
        return {id_: summary for id_, summary in found if summary is not None}
