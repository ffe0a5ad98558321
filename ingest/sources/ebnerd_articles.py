"""EB-NeRD's article table → articles. Columns that count what readers did later are never used."""

from pathlib import Path

import polars as pl

from ingest.coerce import coerce
from ingest.raw_batch import RAW_ARTICLES
from recsys.frames import conform
from recsys.records import FieldType

_CHARS_PER_WORD = 6  # Danish news text: 5 letters and a space


def to_articles(table: pl.DataFrame, path: Path, first_row: int) -> pl.DataFrame:
    """Rows of ``articles.parquet`` with any of the official columns → `RAW_ARTICLES`."""
    have = set(table.columns)
    rows = table.select(
        id=_text(have, "article_id"),
        title=_text(have, "title"),
        abstract=_text(have, "subtitle"),
        body=_text(have, "body"),
        category=pl.coalesce(_text(have, "category_str"), _text(have, "category")),
        subcategory=_first(have, "subcategory"),
        entities=pl.concat_list(_list(have, "ner_clusters"), _list(have, "topics")).list.unique(
            maintain_order=True
        ),
        source=pl.lit("Ekstra Bladet"),
        language=pl.lit("da"),
        url=_text(have, "url"),
        word_count=_word_count(have),
        access=_access(have),
    )
    published = table["published_time"] if "published_time" in have else pl.Series([None] * table.height)
    numbers = pl.Series("row", range(first_row, first_row + table.height), dtype=pl.Int64)
    rows = rows.with_columns(
        coerce(published, FieldType.TIME).alias("published_at"), numbers, file=pl.lit(path.name)
    )
    return conform(rows, RAW_ARTICLES)


def _text(have: set[str], name: str) -> pl.Expr:
    if name not in have:
        return pl.lit(None, dtype=pl.String)
    text = pl.col(name).cast(pl.String)
    return pl.when(text != "").then(text)


def _first(have: set[str], name: str) -> pl.Expr:
    if name not in have:
        return pl.lit(None, dtype=pl.String)
    return pl.col(name).list.first().cast(pl.String)


def _list(have: set[str], name: str) -> pl.Expr:
    none = pl.lit([], dtype=pl.List(pl.String))
    return pl.col(name).cast(pl.List(pl.String)).list.drop_nulls().fill_null(none) if name in have else none


def _word_count(have: set[str]) -> pl.Expr:
    counts: list[pl.Expr] = []
    if "body" in have:
        counts.append(pl.when(pl.col("body") != "").then(pl.col("body").str.count_matches(r"\S+")))
    if "body_chars" in have:
        counts.append((pl.col("body_chars") / _CHARS_PER_WORD).round(0))
    return pl.coalesce(*counts, pl.lit(None)).cast(pl.Int64)


def _access(have: set[str]) -> pl.Expr:
    if "premium" not in have:
        return pl.lit(None, dtype=pl.String)
    return pl.when("premium").then(pl.lit("premium")).when(~pl.col("premium")).then(pl.lit("free"))
