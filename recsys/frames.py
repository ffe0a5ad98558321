"""The values of `recsys.domain` in bulk: polars frames with fixed columns.

A frame that crosses a seam has exactly these columns in this order (`conform` makes it so). `known_at` is
filled by an importer from the times of its source, or by the store at receipt.
"""

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import Article, Event, Slate
from recsys.records import FieldType, fields_of

NATIVE: dict[FieldType, pl.DataType] = {
    FieldType.TEXT: pl.String(),
    FieldType.TIME: pl.Int64(),
    FieldType.NUMBER: pl.Float64(),
    FieldType.INTEGER: pl.Int64(),
    FieldType.FLAG: pl.Boolean(),
    FieldType.TEXTS: pl.List(pl.String()),
    FieldType.NUMBERS: pl.List(pl.Float64()),
}


def _schema(record: type) -> dict[str, pl.DataType]:
    return {field.name: NATIVE[field.type] for field in fields_of(record)}


ARTICLES = _schema(Article)
EVENTS = _schema(Event)
SLATES = _schema(Slate)

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
"""Attention statistics of a text: means over all heads (`calibration.attention_statistics.HEAD`), the results of
the detectors D1 and D2, and whether its vector was adjusted."""


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
    return _rows(articles, ARTICLES)


def events_frame(events: Iterable[Event]) -> pl.DataFrame:
    """Rows → frame with the columns of `EVENTS`."""
    return _rows(events, EVENTS)


def slates_frame(slates: Iterable[Slate]) -> pl.DataFrame:
    """Rows → frame with the columns of `SLATES`."""
    return _rows(slates, SLATES)


def _rows(records: Iterable[Article | Event | Slate], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([asdict(record) for record in records], schema=schema, orient="row")
