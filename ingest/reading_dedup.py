"""Deduplication of readings. A reading is a click with its dwell and scroll; a source may contain it repeatedly.

The rule (semantics of the data set, checked on its traceable clicks): rows of the same reader and article within
two minutes are one reading, if one is a click in a slate and the other a history entry or a page view.
"""

import polars as pl

from ingest.limits import LONGEST_READING
from recsys.domain import MINUTE, SECOND

SAME_WITHIN = 2 * MINUTE

CLICK, HISTORY, PAGE = 0, 1, 2
"""Sources of a reading; of two rows with the same reading, the lower source is used."""

READINGS: dict[str, pl.DataType] = {
    "key": pl.String(),
    "source_rank": pl.Int8(),
    "reader": pl.String(),
    "article": pl.String(),
    "opened": pl.Int64(),
    "clicked_known_at": pl.Int64(),
    "dwell": pl.Float64(),
    "scroll": pl.Float64(),
    "request_id": pl.String(),
    "session": pl.String(),
    "device": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
}
"""`dwell` in seconds, `scroll` in percent, both null where not measured."""

_BY = ["reader", "article"]


def micros(seconds: pl.Expr) -> pl.Expr:
    """Convert seconds of dwell to microseconds; 0 where they are missing or implausible."""
    plausible = seconds.is_finite() & seconds.is_between(0, LONGEST_READING)
    return pl.when(plausible).then((seconds.fill_nan(0) * SECOND).round(0)).otherwise(0).cast(pl.Int64)


def merge(readings: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Drop repeated readings. A click without dwell gets the dwell and scroll of the rows dropped for it.

    Returns the remaining readings, and the number of events of the dropped ones.
    """
    clicks = readings.filter(pl.col("source_rank") == CLICK)
    history = readings.filter(pl.col("source_rank") == HISTORY)
    once = history.sort(micros(pl.col("dwell")), descending=True, maintain_order=True)
    once = once.unique("key", keep="first", maintain_order=True)
    past, repeated_past = _split(once, clicks)
    pages, repeated_pages = _split(readings.filter(pl.col("source_rank") == PAGE), pl.concat([clicks, past]))
    merged = pl.concat([_with_borrowed_dwell(clicks, pl.concat([repeated_past, repeated_pages])), past, pages])
    return merged, count_events(readings) - count_events(merged)


def drop_stored_readings(events: pl.DataFrame, clicks_of_readers: pl.DataFrame) -> pl.DataFrame:
    """Return the events whose reading is not stored yet; events without `opened` have no reading, and stay.

    Args:
        events: with the columns reader, article, opened.
        clicks_of_readers: reader, article, at of the stored clicks of these readers.
    """
    without_reading = events.filter(pl.col("opened").is_null())
    stored = clicks_of_readers.select(*_BY, opened=pl.col("at"), key=pl.lit(""))
    new, _ = _split(events.filter(pl.col("opened").is_not_null()), stored)
    return pl.concat([without_reading, new.select(events.columns)])


def count_events(readings: pl.DataFrame) -> int:
    """Return the number of events of these readings."""
    return int(3 * readings.height - readings["dwell"].null_count() - readings["scroll"].null_count())


def to_events(readings: pl.DataFrame) -> pl.DataFrame:
    """Return a click per reading, and a read and a scroll if measured, both at the end of the reading."""
    end = pl.col("opened") + micros(pl.col("dwell"))
    click = _event(readings, "click", pl.lit(None, dtype=pl.Float64), pl.col("opened"), pl.col("clicked_known_at"))
    read = _event(readings.filter(pl.col("dwell").is_not_null()), "read", pl.col("dwell"), end, end)
    scroll = _event(readings.filter(pl.col("scroll").is_not_null()), "scroll", pl.col("scroll"), end, end)
    return pl.concat([click, read, scroll])


def _event(readings: pl.DataFrame, kind: str, value: pl.Expr, at: pl.Expr, known_at: pl.Expr) -> pl.DataFrame:
    return readings.select(
        "reader", "article", "request_id", "session", "device", "file", "row", "opened",
        id=pl.col("key") + f"/{kind}",
        kind=pl.lit(kind),
        value=value,
        at=at,
        known_at=known_at,
    )  # fmt: skip


def _split(readings: pl.DataFrame, anchors: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return readings without an anchor nearby, and those with one, with its key as `anchor`."""
    near = anchors.select(*_BY, "opened", anchor="key").sort("opened")
    joined = readings.sort("opened").join_asof(
        near, on="opened", by=_BY, strategy="nearest", tolerance=SAME_WITHIN, check_sortedness=False
    )
    new = joined.filter(pl.col("anchor").is_null()).drop("anchor")
    return new, joined.filter(pl.col("anchor").is_not_null())


def _with_borrowed_dwell(clicks: pl.DataFrame, dropped: pl.DataFrame) -> pl.DataFrame:
    borrowed = dropped.filter(pl.col("dwell").is_finite()).sort("dwell", descending=True)
    borrowed = borrowed.unique("anchor", keep="first").select(
        key="anchor", borrowed_dwell="dwell", borrowed_scroll="scroll"
    )
    joined = clicks.join(borrowed, on="key", how="left", maintain_order="left")
    unmeasured = pl.col("dwell").is_null() & pl.col("scroll").is_null()
    return joined.with_columns(
        pl.when(unmeasured).then("borrowed_dwell").otherwise("dwell").alias("dwell"),
        pl.when(unmeasured).then("borrowed_scroll").otherwise("scroll").alias("scroll"),
    ).select(clicks.columns)
