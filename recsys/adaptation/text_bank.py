"""Distinct texts of articles, and the rows of the three texts of each article among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.article_text import ArticleText
from recsys.encoder.field_concat import FIELDS

HEADLINE, TOPIC, ABSTRACT = range(FIELDS)
"""Columns of `TextBank.fields`, in the order of `ArticleText`."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextBank:
    """Texts of n articles. texts: distinct, [t]; fields: row of each field's text, −1 if it is missing [n, 3]."""

    texts: list[str]
    fields: Rows

    @classmethod
    def of(cls, articles: Sequence[ArticleText]) -> Self:
        """Build from the texts of articles."""
        parts = [part for article in articles for part in article]
        row_of = {text: row for row, text in enumerate(dict.fromkeys(filter(None, parts)))}
        rows = np.asarray([row_of.get(part, -1) for part in parts], dtype=np.int64)
        return cls(list(row_of), rows.reshape(len(articles), FIELDS))

    def rows(self, articles: Rows, field: int) -> Rows:
        """Return the text rows of a field of `articles` (any shape); the headline replaces a missing text."""
        found = self.fields[articles, field]
        return np.asarray(np.where(found < 0, self.fields[articles, HEADLINE], found))

    def with_abstract(self, articles: Rows) -> Rows:
        """Return those of `articles` [n] that have an abstract which differs from the headline."""
        own, headline = self.fields[articles, ABSTRACT], self.fields[articles, HEADLINE]
        return np.asarray(articles[(own >= 0) & (headline >= 0) & (own != headline)])
