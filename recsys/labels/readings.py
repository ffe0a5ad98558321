"""Readings from `read` events: the parts of one reading, as heartbeats send them, become one row.

The rule is that of the fold (`state.histories`): within a visit, a `read` that has no click of its own continues
the reading before it, unless it quotes another slate. Events of a reader and article that follow each other within
`VISIT_GAP` are one visit.
"""

import polars as pl

from recsys.constants import VISIT_GAP
from recsys.domain import SECOND, EventKind

_BY = ["reader", "article"]


def joined_readings(events: pl.DataFrame) -> pl.DataFrame:
    """Return `events` with one `read` per reading, and the column `began` (microseconds, null for other kinds).

    A reading has the id and the request of its first part, the times of its last one, and the sum of the seconds.

    Args:
        events: columns id, reader, article, kind, at, known_at, value, request_id.
    """
    kind = pl.col("kind")
    lasted = (pl.col("value").fill_null(0) * SECOND).cast(pl.Int64)
    events = events.with_columns(began=pl.when(kind == EventKind.READ.value).then(pl.col("at") - lasted))
    part = pl.col("part").fill_null(value=False)
    numbered = events.join(_parts(events), on="id", how="left", maintain_order="left")
    if not numbered.select(part.any()).item():
        return events
    first = numbered.filter(~part).with_columns(reading=pl.col("reading").fill_null(pl.col("id")))
    sums = (
        numbered.drop_nulls("reading")
        .group_by("reading")
        .agg(
            pl.when(pl.col("value").count() > 0).then(pl.col("value").sum()).alias("value"),
            pl.col("at", "known_at").max(),
            pl.col("request_id").sort_by("known_at", "id").drop_nulls().first(),
        )
    )
    joined = first.join(sums, on="reading", how="left", maintain_order="left", suffix="_all")
    changed = ("value", "at", "known_at", "request_id")
    joined = joined.with_columns(pl.coalesce(f"{name}_all", name).alias(name) for name in changed)
    return joined.select(events.columns)


def _parts(events: pl.DataFrame) -> pl.DataFrame:
    """Return, for each read of an article that its reader read more than once: id, `reading`, and `part`.

    reading: id of its first part; part: True for later parts.
    """
    is_read = pl.col("kind") == EventKind.READ.value
    # most readings have one row: windows over all of them took nine tenths of the time of grading
    several = events.filter(is_read).group_by(_BY).len().filter(pl.col("len") > 1)
    visits = events.filter(is_read | (pl.col("kind") == EventKind.CLICK.value))
    visits = visits.join(several, on=_BY, how="semi", nulls_equal=True)
    visits = visits.sort("known_at", "id").with_columns(is_read=is_read)
    start = pl.coalesce("began", "at")
    pause = start - pl.col("at").cum_max().shift(1).over(_BY)
    visits = visits.with_columns(visit=(pause >= VISIT_GAP).fill_null(value=True).cum_sum().over(_BY))
    by = [*_BY, "visit"]
    # clicks less reads: at each new minimum below zero the reads outnumber the clicks, so this one has none
    open_clicks = (pl.when("is_read").then(-1).otherwise(1)).cum_sum().over(by)
    lowest = open_clicks.clip(upper_bound=0).cum_min().over(by)
    visits = visits.with_columns(lowest=lowest).with_columns(fell=pl.col("lowest").diff().over(by) < 0)
    quoted = pl.col("request_id").forward_fill().shift(1).over(by)
    other_slate = (pl.col("request_id") != quoted).fill_null(value=False)
    reads = visits.with_columns(other_slate=other_slate).filter("is_read")
    later = pl.col("fell").fill_null(value=False) & (pl.int_range(pl.len()).over(by) > 0)
    reads = reads.with_columns(part=later & ~pl.col("other_slate"))
    first = pl.when(~pl.col("part")).then("id").forward_fill().over(by)
    return reads.select("id", "part", reading=first)
