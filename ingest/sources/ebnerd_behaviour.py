"""EB-NeRD's behaviours and histories → slates and readings, following the data set's time line.

A slate is at `impression_time`; the click in it when the reader left the page they were on, `read_time` later.
The clicked article's own dwell is in `next_read_time`.
"""

import polars as pl

from ingest.coerce import coerce
from ingest.raw_batch import RAW_SLATES, REJECTS, reject_rows
from ingest.reading_dedup import CLICK, HISTORY, PAGE, READINGS, micros
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
_DEVICES = {1: "desktop", 2: "mobile", 3: "tablet"}


def behaviours(table: pl.DataFrame) -> pl.DataFrame:
    """Official columns, `file` and `row` → our names and types (`BEHAVIOURS`); absent columns are null."""
    columns = [_column(table, name, *official) for name, official in BEHAVIOURS.items()]
    rows = pl.DataFrame([*columns, table["file"], table["row"]])
    return rows.with_columns(pl.col("device").replace_strict(_DEVICES, default=None, return_dtype=pl.String))


def slates(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `behaviours` → `RAW_SLATES`. The order in view means nothing in this data set."""
    named = rows.with_columns(id=pl.col("request_id"), known_at=pl.col("at"), ordered=pl.lit(value=False))
    return conform(named, RAW_SLATES)


def clicks(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `behaviours` → a reading for each clicked article, known when it was clicked.

    `next_read_time` belongs to one article; where several were clicked nothing tells which, and none gets it.
    """
    opened = pl.col("at") + micros(pl.col("page_dwell"))
    alone = pl.col("clicked").list.n_unique() == 1
    picked = rows.filter(pl.col("clicked").list.len() > 0).with_columns(
        pl.when(alone).then("dwell").alias("dwell"), pl.when(alone).then("scroll").alias("scroll")
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
    """Rows of `behaviours` → a reading for each article page the reader was on, known when it ended."""
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
    """Official columns, `file` and `row` → (a reading for each entry, rejects of rows whose lists differ)."""
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
    placed = rows.with_columns(raw=pl.lit(None, dtype=pl.String), problem=pl.lit("length_mismatch"))
    return reject_rows(placed, "events", pl.col("problem"))


def _list(name: str) -> pl.Expr:
    return pl.col(HISTORY_LISTS[name]).alias(name)


def _column(table: pl.DataFrame, name: str, official: str, kind: FieldType) -> pl.Series:
    given = table[official] if official in table.columns else pl.Series([None] * table.height)
    return coerce(given, kind).alias(name)
