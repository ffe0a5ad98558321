"""One reading, told once. A reading is a click with its dwell and scroll; a source may tell of it repeatedly.

The rule (data set's own semantics, checked on its traceable clicks): the same reader and article within two
minutes is the same reading, when one teller is a click in a slate, another a history entry or a page view.
"""

import polars as pl

from ingest.validate import LONGEST_READING
from recsys.domain import MINUTE, SECOND

SAME_WITHIN = 2 * MINUTE

CLICK, HISTORY, PAGE = 0, 1, 2
"""Who tells of a reading; of two that tell of the same one, the lower is kept."""

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

_WHOSE = ["reader", "article"]


def micros(seconds: pl.Expr) -> pl.Expr:
    """Seconds of dwell → microseconds; 0 where they are missing or cannot be meant."""
    sound = seconds.is_finite() & seconds.is_between(0, LONGEST_READING)
    return pl.when(sound).then((seconds.fill_nan(0) * SECOND).round(0)).otherwise(0).cast(pl.Int64)


def merge(readings: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Drop repeated tellings. A kept click without dwell takes dwell and scroll of what was dropped for it.

    Returns the kept readings and the number of events that the dropped ones would have made.
    """
    clicks = readings.filter(pl.col("source_rank") == CLICK)
    history = readings.filter(pl.col("source_rank") == HISTORY)
    once = history.sort(micros(pl.col("dwell")), descending=True, maintain_order=True)
    once = once.unique("key", keep="first", maintain_order=True)
    past, past_again = _apart(once, clicks)
    pages, pages_again = _apart(readings.filter(pl.col("source_rank") == PAGE), pl.concat([clicks, past]))
    kept = pl.concat([_with_borrowed_dwell(clicks, pl.concat([past_again, pages_again])), past, pages])
    return kept, count_events(readings) - count_events(kept)


def drop_stored_readings(events: pl.DataFrame, openings: pl.DataFrame) -> pl.DataFrame:
    """Events whose reading is not stored yet; those without `opened` belong to no reading and stay.

    Args:
        events: with the columns reader, article, opened.
        openings: reader, article, at of the stored clicks of these readers.
    """
    loose = events.filter(pl.col("opened").is_null())
    stored = openings.select(*_WHOSE, opened=pl.col("at"), key=pl.lit(""))
    fresh, _ = _apart(events.filter(pl.col("opened").is_not_null()), stored)
    return pl.concat([loose, fresh.select(events.columns)])


def count_events(readings: pl.DataFrame) -> int:
    """How many events these readings make."""
    return int(3 * readings.height - readings["dwell"].null_count() - readings["scroll"].null_count())


def to_events(readings: pl.DataFrame) -> pl.DataFrame:
    """A click each; a read and a scroll where they were measured, both at the end of the reading."""
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


def _apart(readings: pl.DataFrame, anchors: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Readings that are no anchor's, and those that are, with the anchor's key as `anchor`."""
    near = anchors.select(*_WHOSE, "opened", anchor="key").sort("opened")
    joined = readings.sort("opened").join_asof(
        near, on="opened", by=_WHOSE, strategy="nearest", tolerance=SAME_WITHIN, check_sortedness=False
    )
    fresh = joined.filter(pl.col("anchor").is_null()).drop("anchor")
    return fresh, joined.filter(pl.col("anchor").is_not_null())


def _with_borrowed_dwell(clicks: pl.DataFrame, dropped: pl.DataFrame) -> pl.DataFrame:
    borrowed = dropped.filter(pl.col("dwell").is_finite()).sort("dwell", descending=True)
    borrowed = borrowed.unique("anchor", keep="first").select(
        key="anchor", borrowed_dwell="dwell", borrowed_scroll="scroll"
    )
    joined = clicks.join(borrowed, on="key", how="left", maintain_order="left")
    bare = pl.col("dwell").is_null() & pl.col("scroll").is_null()
    return joined.with_columns(
        pl.when(bare).then("borrowed_dwell").otherwise("dwell").alias("dwell"),
        pl.when(bare).then("borrowed_scroll").otherwise("scroll").alias("scroll"),
    ).select(clicks.columns)
