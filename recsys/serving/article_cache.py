"""What a page needs of its articles, in memory: no feed asks the database for them."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl


class ArticleSummary(NamedTuple):
    """Of an article, the columns of `frames.ARTICLES` that a page shows."""

    id: str
    title: str
    abstract: str | None
    category: str | None
    subcategory: str | None
    source: str | None
    url: str | None
    published_at: int | None


class ArticleCache:
    """Cards of all articles, about a tenth of what their vectors take."""

    def __init__(self) -> None:
        self._cards: dict[str, ArticleSummary] = {}

    def put(self, articles: pl.DataFrame) -> None:
        """Take in article columns (`frames.ARTICLES`)."""
        self._cards.update(
            (row[0], ArticleSummary(*row)) for row in articles.select(ArticleSummary._fields).iter_rows()
        )

    def drop(self, ids: Sequence[str]) -> None:
        """Forget articles that were withdrawn."""
        for id_ in ids:
            self._cards.pop(id_, None)

    def of(self, ids: Sequence[str]) -> dict[str, ArticleSummary]:
        """The cards of `ids`; what is not known is left out."""
        found = ((id_, self._cards.get(id_)) for id_ in ids)
        return {id_: summary for id_, summary in found if summary is not None}
