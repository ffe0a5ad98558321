"""Rows of posts and of what people did with them, as the sources of social networks make them.

People have one id, as reader and as author: name@host.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from ingest import generic_schema
from ingest.generic_schema import Reading
from ingest.raw_batch import RAW_CHARS, Batch, reject, rejects_frame
from ingest.reasons import reason

TITLE_CHARS = 120
"""Posts have no headline: the title is the beginning of the text, cut after a word."""

_ROWS = 10_000

Row = dict[str, object]


@dataclass(slots=True)
class SocialRows:
    """Rows by kind, each with its place, and the rejected ones.

    newest: time of the newest public activity before `until`, the time of reading.
    """

    rows: list[tuple[str, Row, tuple[str, int, str]]] = field(default_factory=list)
    rejects: list[dict[str, object]] = field(default_factory=list)
    newest: str | None = None
    until: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")

    @property
    def total(self) -> int:
        """Number of rows, with the rejected ones."""
        return len(self.rows) + len(self.rejects)

    def add(self, kind: str, row: Row, place: tuple[str, int], raw: object) -> None:
        """Add a row of `kind`, articles or events, without its missing values."""
        present = {name: value for name, value in row.items() if value is not None}
        self.rows.append((kind, present, (*place, _shown(raw))))

    def reject(self, place: tuple[str, int], problem: str, raw: object) -> None:
        """Add a rejected activity."""
        self.rejects.append(reject(*place, "unrecognised", reason("activity", problem), _shown(raw)))

    def note_time(self, at: str) -> None:
        """Take the time of a public activity for `newest`, unless it lies in the future."""
        if at < self.until:
            self.newest = max(self.newest or at, at)

    def batches(self, start: int, reading: Reading) -> Iterator[Batch]:
        """Yield batches of rows from `start` on; the last one has the rejected rows."""
        for first in range(min(start, len(self.rows)), len(self.rows), _ROWS):
            yield _batch(min(first + _ROWS, len(self.rows)), self.rows[first : first + _ROWS], reading)
        if self.rejects and start < self.total:
            yield Batch(self.total, rejects=rejects_frame(self.rejects))


def post_title(summary: object, text: str) -> str:
    """Return the content warning, or the beginning of the text; a post of pictures only has a sign for it."""
    if isinstance(summary, str) and summary.strip():
        return summary
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line or "…"
    return line[:TITLE_CHARS].rpartition(" ")[0] + " …" if " " in line[:TITLE_CHARS] else line[:TITLE_CHARS]


def event_row(reader: str, kind: str, at: object, **fields: object) -> Row:
    """Return the row of an event."""
    return {"reader": reader, "kind": kind, "at": at, **fields}


def undated_event(reader: str, kind: str, at: object, **fields: object) -> Row:
    """Return an event whose own time is not known, so that its id must not depend on `at`.

    It has the same id whenever the account is read. `content_ids.event_id` is for checked values only.
    """
    content = json.dumps([reader, kind, fields], default=str).encode()
    return event_row(reader, kind, at, id=hashlib.blake2b(content, digest_size=16).hexdigest(), **fields)


def _shown(raw: object) -> str:
    return json.dumps(raw, ensure_ascii=False, default=str)[:RAW_CHARS]


def _batch(position: int, rows: list[tuple[str, Row, tuple[str, int, str]]], reading: Reading) -> Batch:
    made = {}
    for kind in ("articles", "events"):
        chosen = [(row, place) for of, row, place in rows if of == kind]
        schema = {"file": pl.String, "row": pl.Int64, "raw": pl.String}
        places = pl.DataFrame([place for _, place in chosen], schema=schema, orient="row")
        made[kind] = generic_schema.from_rows([row for row, _ in chosen], places, kind, reading)
    return Batch(
        position,
        made["articles"].rows,
        made["events"].rows,
        lost=pl.concat([raw.lost for raw in made.values()]),
    )
