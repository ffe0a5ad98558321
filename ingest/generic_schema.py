"""The generic formats: their rows have the fields that `recsys.domain` declares.

JSON lines, CSV, Parquet and the HTTP API all come through here; docs/ingest.md describes it for people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from ingest.coerce import coerce, from_values
from ingest.content_ids import with_event_ids, with_slate_ids
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_ARTICLES, RAW_EVENTS, RAW_SLATES, Batch
from recsys.domain import Article, Event, Slate
from recsys.frames import conform
from recsys.records import FieldType, fields_of

RECORDS: dict[str, type] = {"articles": Article, "events": Event, "impressions": Slate}
"""Kinds of rows, and the records they become."""

FIELDS: dict[str, dict[str, FieldType]] = {
    kind: {field.name: field.type for field in fields_of(record)} for kind, record in RECORDS.items()
}
_FILLED_IN = {"articles": (), "events": ("id", "known_at"), "impressions": ("id", "known_at")}
REQUIRED: dict[str, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields_of(record) if field.required and field.name not in _FILLED_IN[kind])
    for kind, record in RECORDS.items()
}
_TELLTALE = {"candidates": "impressions", "kind": "events", "title": "articles"}


def kind_of(names: Iterable[str]) -> str | None:
    """Return the kind of rows by the fields present; None if they fit no kind."""
    have = set(names)
    return next((kind for field, kind in _TELLTALE.items() if field in have), None)


def from_rows(
    rows: Sequence[Mapping[str, object]], places: pl.DataFrame, kind: str, pseudonyms: Pseudonyms = PLAIN
) -> pl.DataFrame:
    """Turn JSON objects into a raw frame of `kind`; `places` has one row each with the columns file, row, raw."""
    columns, misfits = [], []
    for name, wanted in FIELDS[kind].items():
        column, misfit = from_values(name, [row.get(name) for row in rows], wanted)
        columns.append(column)
        misfits.append(misfit.alias(name))
    return _raw(pseudonyms.in_frame(pl.DataFrame(columns)), pl.DataFrame(misfits), places, kind)


def from_frame(
    frame: pl.DataFrame, places: pl.DataFrame, kind: str, pseudonyms: Pseudonyms = PLAIN
) -> pl.DataFrame:
    """Turn any frame into a raw frame of `kind`; missing fields are null, other columns are ignored."""
    columns, misfits = [], []
    for name, wanted in FIELDS[kind].items():
        given = frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height)
        fitted = coerce(given, wanted)
        columns.append(fitted)
        misfits.append((given.is_not_null() & fitted.is_null()).alias(name))
    rows = _raw(pseudonyms.in_frame(pl.DataFrame(columns)), pl.DataFrame(misfits), places, kind)
    return _quote_misfits(rows, frame)


def _quote_misfits(rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Quote the values that became null in the raw text of rows that have none."""
    if rows["problem"].null_count() == rows.height or not rows["raw"].null_count():
        return rows
    given = frame.select(pl.struct(pl.all()).struct.json_encode().alias("raw")).to_series()
    return rows.with_columns(pl.coalesce("raw", pl.when(pl.col("problem").is_not_null()).then(given)))


def batch_of(position: int, kind: str, rows: pl.DataFrame, rejects: pl.DataFrame) -> Batch:
    """Return a batch with rows of one kind."""
    batch = Batch(position, rejects=rejects)
    if kind == "articles":
        return replace(batch, articles=rows)
    return replace(batch, events=rows) if kind == "events" else replace(batch, slates=rows)


def _raw(columns: pl.DataFrame, misfits: pl.DataFrame, places: pl.DataFrame, kind: str) -> pl.DataFrame:
    problem = misfits.select(pl.coalesce(_misfit(name, wanted) for name, wanted in FIELDS[kind].items()))
    given = columns.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())
    rows = pl.concat([given, places.select("file", "row", "raw")], how="horizontal")
    return _FINISH[kind](rows.with_columns(problem.to_series().alias("problem")))


def _misfit(name: str, wanted: FieldType) -> pl.Expr:
    reason = "bad_time" if wanted is FieldType.TIME else "bad_type"
    return pl.when(name).then(pl.lit(reason))


def _article(rows: pl.DataFrame) -> pl.DataFrame:
    return conform(rows, RAW_ARTICLES)


def _event(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_columns(pl.col("kind").str.to_lowercase(), pl.coalesce("known_at", "at"))
    return conform(with_event_ids(rows), RAW_EVENTS)


def _slate(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_columns(pl.col("ordered").fill_null(value=False), pl.coalesce("known_at", "at"))
    return conform(with_slate_ids(rows), RAW_SLATES)


_FINISH = {"articles": _article, "events": _event, "impressions": _slate}
