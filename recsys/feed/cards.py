"""What a page needs of its articles, in memory: for when the database is away."""

from collections.abc import Sequence

import polars as pl

from recsys.frames import ARTICLES

CARD = ("id", "title", "abstract", "category", "subcategory", "source", "url", "published_at")
"""Columns of `frames.ARTICLES`; all others are null on a card."""

_SCHEMA = {name: ARTICLES[name] for name in CARD}


class Cards:
    """Cards of all articles, about a tenth of what their vectors take."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[object, ...]] = {}

    def put(self, articles: pl.DataFrame) -> None:
        """Take in article columns (`frames.ARTICLES`)."""
        self._rows.update((row[0], row) for row in articles.select(CARD).iter_rows())

    def drop(self, ids: Sequence[str]) -> None:
        """Forget articles that were withdrawn."""
        for id_ in ids:
            self._rows.pop(id_, None)

    def of(self, ids: Sequence[str]) -> pl.DataFrame:
        """The cards of `ids` (columns `CARD`), in order; what is not known is left out."""
        rows = [self._rows[id_] for id_ in ids if id_ in self._rows]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
