"""The values of `recsys.domain` in bulk: polars frames with fixed columns.

A frame that crosses a seam has exactly these columns in this order (`conform` makes it so). `known_at` is
filled by whoever knows it: an importer from the time line of its source, the store at receipt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import Article, Event, Slate

ARTICLES: dict[str, pl.DataType] = {
    "id": pl.String(),
    "title": pl.String(),
    "abstract": pl.String(),
    "body": pl.String(),
    "category": pl.String(),
    "subcategory": pl.String(),
    "entities": pl.List(pl.String()),
    "source": pl.String(),
    "author": pl.String(),
    "language": pl.String(),
    "published_at": pl.Int64(),
    "url": pl.String(),
    "word_count": pl.Int64(),
    "access": pl.String(),
}

EVENTS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "reader": pl.String(),
    "kind": pl.String(),
    "at": pl.Int64(),
    "known_at": pl.Int64(),
    "article": pl.String(),
    "subject": pl.String(),
    "value": pl.Float64(),
    "request_id": pl.String(),
    "position": pl.Int64(),
    "session": pl.String(),
    "device": pl.String(),
}

SLATES: dict[str, pl.DataType] = {
    "id": pl.String(),
    "reader": pl.String(),
    "at": pl.Int64(),
    "known_at": pl.Int64(),
    "candidates": pl.List(pl.String()),
    "ordered": pl.Boolean(),
    "scores": pl.List(pl.Float64()),
    "propensities": pl.List(pl.Float64()),
    "model": pl.String(),
    "session": pl.String(),
    "device": pl.String(),
    "page": pl.String(),
}

ARTICLE_ATTENTION: dict[str, pl.DataType] = {
    "model": pl.String(),
    "text_hash": pl.String(),
    "calibrator": pl.String(),
    "entropy": pl.Float64(),
    "max_weight": pl.Float64(),
    "first_mass": pl.Float64(),
    "last_mass": pl.Float64(),
    "distance": pl.Float64(),
    "score": pl.Float64(),
    "flagged_share": pl.Float64(),
    "gated": pl.Boolean(),
}
"""What attention did with a text: means over all heads (`calibration.attention_statistics.HEAD`), what D1 and D2 say of it, and
whether its vector was adjusted."""


def conform(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Bring `frame` to `schema`: missing columns become null, columns outside it are dropped.

    Raises:
        polars.exceptions.InvalidOperationError: a column holds values its type cannot hold.
    """
    have = set(frame.columns)
    return frame.select(
        (pl.col(name).cast(kind) if name in have else pl.lit(None, dtype=kind)).alias(name)
        for name, kind in schema.items()
    )


def where(frame: pl.DataFrame, chosen: NDArray[np.bool_]) -> pl.DataFrame:
    """The rows of `frame` that are `chosen` [n]."""
    return frame.filter(pl.Series(chosen, dtype=pl.Boolean))


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A frame of `schema` without rows."""
    return pl.DataFrame(schema=schema)


def articles_frame(articles: Iterable[Article]) -> pl.DataFrame:
    """Rows → frame with the columns of `ARTICLES`."""
    return _rows([{**asdict(article), "entities": list(article.entities)} for article in articles], ARTICLES)


def events_frame(events: Iterable[Event]) -> pl.DataFrame:
    """Rows → frame with the columns of `EVENTS`."""
    return _rows([{**asdict(event), "kind": event.kind.value} for event in events], EVENTS)


def slates_frame(slates: Iterable[Slate]) -> pl.DataFrame:
    """Rows → frame with the columns of `SLATES`."""
    return _rows([asdict(slate) for slate in slates], SLATES)


def _rows(rows: Sequence[dict[str, object]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")
