"""Small EB-NeRD tables with the official columns and types."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

START = datetime(2023, 5, 18, 7)
START_AT = 1_684_393_200_000_000

BEHAVIOURS = {
    "impression_id": pl.UInt32,
    "article_id": pl.Int32,
    "impression_time": pl.Datetime("us"),
    "read_time": pl.Float32,
    "scroll_percentage": pl.Float32,
    "device_type": pl.Int8,
    "article_ids_inview": pl.List(pl.Int32),
    "article_ids_clicked": pl.List(pl.Int32),
    "user_id": pl.UInt32,
    "is_subscriber": pl.Boolean,
    "session_id": pl.UInt32,
    "next_read_time": pl.Float32,
    "next_scroll_percentage": pl.Float32,
}
HISTORY = {
    "user_id": pl.UInt32,
    "impression_time_fixed": pl.List(pl.Datetime("us")),
    "scroll_percentage_fixed": pl.List(pl.Float32),
    "article_id_fixed": pl.List(pl.Int32),
    "read_time_fixed": pl.List(pl.Float32),
}
ARTICLES = pl.DataFrame(
    {"article_id": [101, 102, 103], "title": ["En", "To", "Tre"], "category": [7, 7, 8]},
    schema_overrides={"article_id": pl.Int32},
)

Entry = tuple[int, float, float | None, float | None]
"""Article, seconds after the start, read time, scroll percentage."""


def behaviours(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows with defaults: reader 1 on the front page for 10 s, sees 101 and 102, clicks 101 and reads it 30 s."""
    usual = {
        "impression_time": START,
        "read_time": 10.0,
        "device_type": 2,
        "article_ids_inview": [101, 102],
        "article_ids_clicked": [101],
        "user_id": 1,
        "session_id": 5,
        "next_read_time": 30.0,
        "next_scroll_percentage": 80.0,
    }
    filled = [{"impression_id": 900 + number, **usual, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=BEHAVIOURS, orient="row")


def history(readers: dict[int, Sequence[Entry]]) -> pl.DataFrame:
    """One row a reader, whose lists hold its entries."""
    rows = [
        {
            "user_id": reader,
            "article_id_fixed": [article for article, *_ in entries],
            "impression_time_fixed": [START + timedelta(seconds=after) for _, after, *_ in entries],
            "read_time_fixed": [dwell for *_, dwell, _ in entries],
            "scroll_percentage_fixed": [scroll for *_, scroll in entries],
        }
        for reader, entries in readers.items()
    ]
    return pl.DataFrame(rows, schema=HISTORY, orient="row")


def write(
    folder: Path, views: pl.DataFrame, past: pl.DataFrame | None = None, articles: pl.DataFrame = ARTICLES
) -> Path:
    """A folder with the three official files."""
    folder.mkdir(parents=True, exist_ok=True)
    articles.write_parquet(folder / "articles.parquet")
    views.write_parquet(folder / "behaviors.parquet")
    (history({}) if past is None else past).write_parquet(folder / "history.parquet")
    return folder
