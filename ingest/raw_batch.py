"""Batches of raw rows from a source, with the place of each row in its file."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from ingest.reasons import Problem, fix_of
from recsys.frames import ARTICLES, EVENTS, SLATES

KINDS = ("articles", "impressions", "events", "unrecognised")
"""Kinds of rows in counts. A row of unknown kind is `unrecognised`, and always rejected."""

RAW_CHARS = 500
"""Number of characters of the original row in a reject."""

PLACE: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "raw": pl.String(),
    "problem": pl.String(),
    "given": pl.String(),
}
"""Place of a row: file, row number (from 1), its text if any, and the problem that was found, with the value that
was given."""

RAW_ARTICLES = {**ARTICLES, **PLACE}
RAW_SLATES = {**SLATES, **PLACE}
RAW_EVENTS = {**EVENTS, **PLACE, "opened": pl.Int64()}
"""`opened`: start of the reading of an event, for sources that may repeat a reading."""

LOST: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "kind": pl.String(),
    "reason": pl.String(),
    "value": pl.String(),
}
"""Values of optional fields that do not fit: their rows are stored without them."""

REJECTS: dict[str, pl.DataType] = {**LOST, "fix": pl.String(), "raw": pl.String()}
"""Rejected rows. value: the one at fault, cut; fix: what the sender can do; raw: the start of the row."""


def _empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one part of a source, not yet validated.

    `position` is the start of the next batch. `merged` counts events that the source dropped because another row
    of the batch has the same reading. `lost`: values left out of rows; `unused`: (kind, column) of columns that
    are no field. With a mapping, `left_over` counts rows that no rule takes, and `unread` are columns
    that no rule reads.
    """

    position: int
    articles: pl.DataFrame = field(default_factory=lambda: _empty(RAW_ARTICLES))
    events: pl.DataFrame = field(default_factory=lambda: _empty(RAW_EVENTS))
    slates: pl.DataFrame = field(default_factory=lambda: _empty(RAW_SLATES))
    rejects: pl.DataFrame = field(default_factory=lambda: _empty(REJECTS))
    merged: int = 0
    lost: pl.DataFrame = field(default_factory=lambda: _empty(LOST))
    unused: frozenset[tuple[str, str]] = frozenset()
    left_over: int = 0
    unread: frozenset[str] = frozenset()

    def read(self) -> Counter[str]:
        """Return the number of rows by kind, before validation."""
        rows = Counter(self.rejects["kind"].to_list())
        rows["articles"] += self.articles.height
        rows["impressions"] += self.slates.height
        rows["events"] += self.events.height + self.merged
        return rows


def reject_rows(rows: pl.DataFrame, kind: str, reason: pl.Expr) -> pl.DataFrame:
    """Convert rows with the columns of `PLACE` to `REJECTS`. Rows without text quote their values as JSON."""
    own = pl.struct(pl.exclude(*PLACE)).struct.json_encode()
    return rows.select(
        "file",
        "row",
        kind=pl.lit(kind),
        reason=reason,
        value="given",
        raw=pl.coalesce("raw", own).str.slice(0, RAW_CHARS),
    ).select(*LOST, fix=pl.col("reason").map_elements(fix_of, return_dtype=pl.String), raw="raw")


def reject(file: str, row: int, kind: str, reason: str, raw: str | bytes) -> dict[str, object]:
    """Return one row of `REJECTS`, for parsers that work line by line."""
    text = raw[: 4 * RAW_CHARS].decode(errors="replace") if isinstance(raw, bytes) else raw
    return {
        "file": file,
        "row": row,
        "kind": kind,
        "reason": reason,
        "value": None,
        "fix": fix_of(reason),
        "raw": text[:RAW_CHARS],
    }


def reject_line(file: str, row: int | str, kind: str, problem: Problem, raw: str) -> dict[str, object]:
    """Return a line of a reject file with the fields of `REJECTS`, for rows that come one by one.

    file, row: name of the door, and place of the row there.
    """
    return {
        "file": file,
        "row": row,
        "kind": kind,
        "reason": problem.reason,
        "value": problem.value,
        "fix": problem.fix,
        "raw": raw[:RAW_CHARS],
    }


def rejects_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Convert rows made by `reject` to a frame."""
    return pl.DataFrame(rows, schema=REJECTS, orient="row")
