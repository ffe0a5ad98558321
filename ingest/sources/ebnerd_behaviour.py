"""Slates and readings of EB-NeRD's behaviours and histories, on the time line of the data set.

A slate is at `impression_time`; its click is at the time when the reader left the former page, `read_time` later.
The dwell of the clicked article is in `next_read_time`.
"""

import polars as pl

from ingest.coerce import coerce
from ingest.raw_batch import RAW_SLATES, REJECTS, reject_rows
from ingest.reading_dedup import CLICK, HISTORY, PAGE, READINGS, micros
from ingest.reasons import OTHER_LENGTHS, reason
from recsys.frames import conform
from recsys.records import FieldType

BEHAVIOURS: dict[str, tuple[str, FieldType]] = {
    "request_id": ("impression_id", FieldType.TEXT),
    "reader": ("user_id", FieldType.TEXT),
    "at": ("impression_time", FieldType.TIME),
    "candidates": ("article_ids_inview", FieldType.TEXTS),
    "clicked": ("article_ids_clicked", FieldType.TEXTS),
    "page": ("article_id", FieldType.TEXT),
    "page_dwell": ("read_time", FieldType.NUMBER),
    "page_scroll": ("scroll_percentage", FieldType.NUMBER),
    "dwell": ("next_read_time", FieldType.NUMBER),
    "scroll": ("next_scroll_percentage", FieldType.NUMBER),
    "device": ("device_type", FieldType.INTEGER),
    "session": ("session_id", FieldType.TEXT),
}
BEHAVIOURS_REQUIRED = ("impression_id", "user_id", "impression_time", "article_ids_inview")
HISTORY_LISTS: dict[str, str] = {
    "article": "article_id_fixed",
    "opened": "impression_time_fixed",
    "dwell": "read_time_fixed",
    "scroll": "scroll_percentage_fixed",
}
HISTORY_REQUIRED = ("user_id", "article_id_fixed", "impression_time_fixed")
_RESERVED_ID = "0"
"""The impression id of all beyond-accuracy rows of the test set: file and row keep them apart."""

_DEVICES = {1: "desktop", 2: "mobile", 3: "tablet"}


def behaviours(table: pl.DataFrame) -> pl.DataFrame:
    """Convert official columns, `file` and `row` to the columns `BEHAVIOURS`; missing ones are null."""
    columns = [_column(table, name, *official) for name, official in BEHAVIOURS.items()]
    rows = pl.DataFrame([*columns, table["file"], table["row"]])
    is_reserved = pl.col("request_id") == _RESERVED_ID
    own = pl.concat_str(pl.lit(_RESERVED_ID), "file", "row", separator="/")
    rows = rows.with_columns(pl.when(is_reserved).then(own).otherwise("request_id").alias("request_id"))
    return rows.with_columns(pl.col("device").replace_strict(_DEVICES, default=None, return_dtype=pl.String))


def slates(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `behaviours` to `RAW_SLATES`. The order of candidates has no meaning in this data set."""
    named = rows.with_columns(id=pl.col("request_id"), known_at=pl.col("at"), ordered=pl.lit(value=False))
    return conform(named, RAW_SLATES)


def clicks(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `behaviours` to one reading per clicked article, known at the click.

    `next_read_time` belongs to one article; if several were clicked it is unknown which, and none gets it.
    """
    opened = pl.col("at") + micros(pl.col("page_dwell"))
    is_single = pl.col("clicked").list.n_unique() == 1
    picked = rows.filter(pl.col("clicked").list.len() > 0).with_columns(
        pl.when(is_single).then("dwell").alias("dwell"), pl.when(is_single).then("scroll").alias("scroll")
    )
    found = picked.explode("clicked").with_columns(
        key=pl.concat_str("request_id", "clicked", separator="/", ignore_nulls=True),
        article=pl.col("clicked"),
        opened=opened,
        clicked_known_at=opened,
        source_rank=pl.lit(CLICK, dtype=pl.Int8),
    )
    return conform(found, READINGS)


def pages(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `behaviours` to one reading per article page that the reader was on, known at its end."""
    found = rows.filter(pl.col("page").is_not_null()).select(
        "reader", "session", "device", "file", "row",
        key=pl.col("request_id") + "/page",
        article=pl.col("page"),
        opened=pl.col("at"),
        clicked_known_at=pl.col("at") + micros(pl.col("page_dwell")),
        dwell="page_dwell",
        scroll="page_scroll",
        source_rank=pl.lit(PAGE, dtype=pl.Int8),
    )  # fmt: skip
    return conform(found, READINGS)


def history(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert official columns, `file` and `row` to readings per entry, and rejects of rows with unequal lists."""
    names = [name for name, official in HISTORY_LISTS.items() if official in table.columns]
    rows = table.select(pl.col("user_id").alias("reader"), "file", "row", *(_list(name) for name in names))
    rows = rows.filter(pl.any_horizontal(pl.col(names).list.len().fill_null(0) > 0))
    broken = pl.any_horizontal(pl.col(names).list.len().ne_missing(pl.col("article").list.len()))
    entries = rows.filter(~broken).explode(names)
    typed = [_column(entries, "reader", "reader", FieldType.TEXT)]
    typed += [_column(entries, name, name, _ENTRY_TYPES[name]) for name in names]
    found = entries.with_columns(typed).with_columns(
        key=pl.concat_str(pl.lit("history"), "reader", "article", "opened", separator="/", ignore_nulls=True),
        clicked_known_at=pl.col("opened"),
        source_rank=pl.lit(HISTORY, dtype=pl.Int8),
    )
    return conform(found, READINGS), _broken(rows.filter(broken))


_ENTRY_TYPES = {
    "article": FieldType.TEXT,
    "opened": FieldType.TIME,
    "dwell": FieldType.NUMBER,
    "scroll": FieldType.NUMBER,
}


def _broken(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=REJECTS)
    no_text = pl.lit(None, dtype=pl.String)
    placed = rows.with_columns(raw=no_text, given=no_text, problem=pl.lit(reason("history", OTHER_LENGTHS)))
    return reject_rows(placed, "events", pl.col("problem"))


def _list(name: str) -> pl.Expr:
    return pl.col(HISTORY_LISTS[name]).alias(name)


def _column(table: pl.DataFrame, name: str, official: str, kind: FieldType) -> pl.Series:
    given = table[official] if official in table.columns else pl.Series([None] * table.height)
    return coerce(given, kind).alias(name)
