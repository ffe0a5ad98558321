"""Articles of EB-NeRD's article table. Columns that count later reads are never used."""

from pathlib import Path

import polars as pl

from ingest.coerce import coerce
from ingest.raw_batch import RAW_ARTICLES
from recsys.frames import conform
from recsys.records import FieldType

_CHARS_PER_WORD = 6  # Danish news text: 5 letters and a space


def to_articles(table: pl.DataFrame, path: Path, first_row: int) -> pl.DataFrame:
    """Convert rows of ``articles.parquet`` with any of the official columns to `RAW_ARTICLES`."""
    columns = set(table.columns)
    rows = table.select(
        id=_text(columns, "article_id"),
        title=_text(columns, "title"),
        abstract=_text(columns, "subtitle"),
        body=_text(columns, "body"),
        category=pl.coalesce(_text(columns, "category_str"), _text(columns, "category")),
        subcategory=_first(columns, "subcategory"),
        entities=pl.concat_list(_list(columns, "ner_clusters"), _list(columns, "topics")).list.unique(
            maintain_order=True
        ),
        source=pl.lit("Ekstra Bladet"),
        language=pl.lit("da"),
        url=_text(columns, "url"),
        word_count=_word_count(columns),
        access=_access(columns),
    )
    published = table["published_time"] if "published_time" in columns else pl.Series([None] * table.height)
    numbers = pl.Series("row", range(first_row, first_row + table.height), dtype=pl.Int64)
    rows = rows.with_columns(
        coerce(published, FieldType.TIME).alias("published_at"), numbers, file=pl.lit(path.name)
    )
    return conform(rows, RAW_ARTICLES)


def _text(columns: set[str], name: str) -> pl.Expr:
    if name not in columns:
        return pl.lit(None, dtype=pl.String)
    text = pl.col(name).cast(pl.String)
    return pl.when(text != "").then(text)


def _first(columns: set[str], name: str) -> pl.Expr:
    if name not in columns:
        return pl.lit(None, dtype=pl.String)
    return pl.col(name).list.first().cast(pl.String)


def _list(columns: set[str], name: str) -> pl.Expr:
    none = pl.lit([], dtype=pl.List(pl.String))
    return pl.col(name).cast(pl.List(pl.String)).list.drop_nulls().fill_null(none) if name in columns else none


def _word_count(columns: set[str]) -> pl.Expr:
    counts: list[pl.Expr] = []
    if "body" in columns:
        counts.append(pl.when(pl.col("body") != "").then(pl.col("body").str.count_matches(r"\S+")))
    if "body_chars" in columns:
        counts.append((pl.col("body_chars") / _CHARS_PER_WORD).round(0))
    return pl.coalesce(*counts, pl.lit(None)).cast(pl.Int64)


def _access(columns: set[str]) -> pl.Expr:
    if "premium" not in columns:
        return pl.lit(None, dtype=pl.String)
    return pl.when("premium").then(pl.lit("premium")).when(~pl.col("premium")).then(pl.lit("free"))
