"""Slates, clicks and history clicks of MIND's ``behaviors.tsv``.

Times that the files lack are set by rule: a missing time is 2020-01-01 plus the row number in seconds, a click
comes a second after its slate, and a history ends a second before its reader's first impression in the file, its
entries a second apart.
"""

import hashlib
from collections.abc import Iterable, Sequence

import polars as pl

from ingest import reasons
from ingest.raw_batch import RAW_EVENTS, RAW_SLATES
from ingest.reasons import reason
from ingest.timestamps import to_micros
from recsys.domain import SECOND
from recsys.frames import conform

COLUMNS = (
    ("impression", "reader", "time", "history", "shown"),
    ("impression", "reader", "history", "shown"),
    ("reader", "time", "history", "shown"),
)
"""Layouts of the file, the official one first."""

EPOCH = 1_577_836_800 * SECOND
"""2020-01-01T00:00Z in microseconds, the start of files without times."""

_NO_TIME = reason("time", f"this text {reasons.NO_TIME}")
_MIXED_LABELS = reason("shown", reasons.MIXED_LABELS)
_TIME = "%m/%d/%Y %I:%M:%S %p"
_LABEL = "-[01]$"
_PLAN = {"row": pl.Int64(), "reader": pl.String(), "at": pl.Int64(), "history_hash": pl.UInt64()}


def parse(table: pl.DataFrame) -> pl.DataFrame:
    """Add `at`, `id`, `tokens` and `problem` to text columns (`COLUMNS`, file, row, raw).

    Impression ids start again in every split of MIND, so a request id is the impression id and a hash of the row.
    """
    for name in ("time", "impression"):
        if name not in table.columns:
            table = table.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    rows = table.with_columns(
        _times(table["time"]).alias("written"),
        _hashes(table).alias("hash"),
        tokens=pl.col("shown").str.split(" ").list.eval(pl.element().filter(pl.element() != "")),
    )
    labelled = pl.col("tokens").list.eval(pl.element().str.contains(_LABEL))
    mixed = labelled.list.any() & ~labelled.list.all()
    return rows.with_columns(
        at=pl.when(pl.col("time").is_null()).then(EPOCH + pl.col("row") * SECOND).otherwise("written"),
        id=pl.concat_str("impression", "hash", separator="-", ignore_nulls=True),
        labelled=labelled.list.any(),
        problem=pl.when(pl.col("time").is_not_null() & pl.col("written").is_null())
        .then(pl.lit(_NO_TIME))
        .when(mixed)
        .then(pl.lit(_MIXED_LABELS)),
    )


def layout(cells: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the layout of rows, of which `cells` are a sample with one number of columns; None if none fits.

    Times are in their column and in no other one; the articles shown are in the last one.
    """
    columns = [_are_times(column) for column in zip(*cells, strict=True)]
    for names in COLUMNS:
        if len(names) == len(columns) and _fits(names, columns):
            return names
    return None


def _fits(names: Sequence[str], are_times: Sequence[bool | None]) -> bool:
    wanted = [name == "time" for name in names]
    return all(found is None or found == want for found, want in zip(are_times, wanted, strict=True))


def _are_times(column: Sequence[str]) -> bool | None:
    """Return True if half of the texts or more are times with a day; None if there is no text."""
    texts = pl.Series([text for text in column if text], dtype=pl.String)
    if texts.is_empty():
        return None
    dated = texts.str.contains(r"^\d{1,4}[-/]\d{1,2}[-/]\d{1,4}")
    return int(dated.sum()) * 2 >= texts.len()


def plan(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return columns row, first_at of the rows of a file (`parse`) whose history no earlier row has.

    `first_at` is the time of the reader's first impression in the file.
    """
    valid = [
        part.filter(pl.col("problem").is_null() & pl.col("reader").is_not_null()).with_columns(
            history_hash=pl.col("history").hash()
        )
        for part in parts
    ]
    rows = pl.concat([conform(part, _PLAN) for part in valid])
    rows = rows.with_columns(first_at=pl.col("at").min().over("reader"))
    return rows.unique(["reader", "history_hash"], keep="first", maintain_order=True).select("row", "first_at")


def slates(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `parse` to `RAW_SLATES`."""
    named = rows.with_columns(
        known_at=pl.col("at"),
        ordered=pl.lit(value=False),
        candidates=pl.col("tokens").list.eval(pl.element().str.replace(_LABEL, "")),
    )
    return conform(named, RAW_SLATES)


def clicks(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `parse` to `RAW_EVENTS`: a click per candidate marked ``-1``."""
    valid = rows.filter(pl.col("problem").is_null() & pl.col("labelled"))
    shown = valid.explode("tokens").filter(pl.col("tokens").str.ends_with("-1"))
    shown = shown.with_columns(article=pl.col("tokens").str.replace(_LABEL, ""), request_id=pl.col("id"))
    return _click_events(shown, pl.concat_str("request_id", "article", pl.lit("click"), separator="/"), SECOND)


def histories(rows: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """Convert rows of `parse` that `plan` chose to `RAW_EVENTS`: a click per (reader, article, occurrence)."""
    chosen = rows.join(planned, on="row", how="inner", maintain_order="left")
    entries = chosen.select(
        "reader", "file", "row", "raw", "first_at",
        article=pl.col("history").str.split(" ").list.eval(pl.element().filter(pl.element() != "")),
    ).explode("article")  # fmt: skip
    entries = entries.filter(pl.col("article").is_not_null())
    by = ["row", "article"]
    entries = entries.with_columns(
        at=pl.col("first_at") - pl.int_range(pl.len(), 0, -1).over("row") * SECOND,
        occurrence=pl.int_range(pl.len()).over(by) + 1,
        problem=pl.lit(None, dtype=pl.String),
    )
    return _click_events(
        entries, pl.concat_str(pl.lit("before"), "reader", "article", "occurrence", separator="/")
    )


def _click_events(rows: pl.DataFrame, key: pl.Expr, delay: int = 0) -> pl.DataFrame:
    at = pl.col("at") + delay
    return conform(rows.with_columns(id=key, kind=pl.lit("click"), at=at, known_at=at), RAW_EVENTS)


def _times(texts: pl.Series) -> pl.Series:
    american = texts.str.to_datetime(_TIME, time_unit="us", strict=False).dt.epoch("us")
    return pl.select(pl.coalesce(american, to_micros(texts))).to_series()


def _hashes(rows: pl.DataFrame) -> pl.Series:
    """Return 8 hex digits of BLAKE2b per row, of its content without the impression id."""
    parts = (pl.col(name).fill_null("\0") for name in ("reader", "time", "history", "shown"))
    texts = rows.select(pl.concat_str(parts, separator="\x1f")).to_series()
    hashes = [hashlib.blake2b(text.encode(), digest_size=4).hexdigest() for text in texts.to_list()]
    return pl.Series("hash", hashes, dtype=pl.String)
