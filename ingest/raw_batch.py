"""What a source hands to a job: one stretch of its input, as frames whose rows know where they came from."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from recsys.frames import ARTICLES, EVENTS, SLATES

KINDS = ("articles", "impressions", "events", "unrecognised")
"""What rows are counted as. A row whose kind cannot be told is `unrecognised`, and always rejected."""

RAW_CHARS = 500
"""A reject quotes this much of the row it came from."""

PLACE: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "raw": pl.String(),
    "problem": pl.String(),
}
"""Where a row came from: file, row number (from 1), its text if it had one, and what its parser found wrong."""

RAW_ARTICLES = {**ARTICLES, **PLACE}
RAW_SLATES = {**SLATES, **PLACE}
RAW_EVENTS = {**EVENTS, **PLACE, "opened": pl.Int64()}
"""`opened`: when the reading that an event belongs to began, for sources that may tell of one reading twice."""

REJECTS: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "kind": pl.String(),
    "reason": pl.String(),
    "raw": pl.String(),
}


def _none(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one stretch of a source, not yet validated.

    `position` is where the source goes on after this batch. `merged` counts events that the source itself found
    to tell of a reading another row of the batch tells of.
    """

    position: int
    articles: pl.DataFrame = field(default_factory=lambda: _none(RAW_ARTICLES))
    events: pl.DataFrame = field(default_factory=lambda: _none(RAW_EVENTS))
    slates: pl.DataFrame = field(default_factory=lambda: _none(RAW_SLATES))
    rejects: pl.DataFrame = field(default_factory=lambda: _none(REJECTS))
    merged: int = 0

    def read(self) -> Counter[str]:
        """Rows by kind, whatever becomes of them."""
        rows = Counter(self.rejects["kind"].to_list())
        rows["articles"] += self.articles.height
        rows["impressions"] += self.slates.height
        rows["events"] += self.events.height + self.merged
        return rows


def reject_rows(rows: pl.DataFrame, kind: str, reason: pl.Expr) -> pl.DataFrame:
    """Rows with the columns of `PLACE` → `REJECTS`. Rows without text of their own quote their values as JSON."""
    own = pl.struct(pl.exclude(*PLACE)).struct.json_encode()
    return rows.select(
        "file",
        "row",
        kind=pl.lit(kind),
        reason=reason,
        raw=pl.coalesce("raw", own).str.slice(0, RAW_CHARS),
    )


def reject(file: str, row: int, kind: str, reason: str, raw: str | bytes) -> dict[str, object]:
    """One row of `REJECTS`, for parsers that work line by line."""
    text = raw[: 4 * RAW_CHARS].decode(errors="replace") if isinstance(raw, bytes) else raw
    return {"file": file, "row": row, "kind": kind, "reason": reason, "raw": text[:RAW_CHARS]}


def rejects_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows made by `reject` → frame."""
    return pl.DataFrame(rows, schema=REJECTS, orient="row")
