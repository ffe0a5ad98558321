"""The generic formats: their rows have the fields that `recsys.domain` declares.

JSON lines, CSV, Parquet and articles by HTTP all come through here; docs/ingest.md describes it for people.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import polars as pl

from ingest.content_ids import event_id, slate_id
from ingest.event_kinds import kind_name
from ingest.field_names import RECORDS
from ingest.mapping import RowMapping
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import LOST, RAW_ARTICLES, RAW_CHARS, RAW_EVENTS, RAW_SLATES, Batch
from ingest.row_reader import RowReader, RowValues
from ingest.time_values import UTC_TIMES, TimeReader
from recsys.frames import conform
from recsys.records import fields_of

_FILLED_IN = {"articles": (), "events": ("id", "known_at"), "impressions": ("id", "known_at")}
_NEEDED = {"articles": (), "events": ("article", "subject", "value"), "impressions": ()}
"""Fields that some rows need: without a value that fits, such a row is worth nothing."""

REQUIRED: dict[str, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields_of(record) if field.required and field.name not in _FILLED_IN[kind])
    for kind, record in RECORDS.items()
}
_SCHEMAS = {"articles": RAW_ARTICLES, "events": RAW_EVENTS, "impressions": RAW_SLATES}


@dataclass(frozen=True, slots=True)
class Reading:
    """Options of reading: replacement of reader ids, reader of written times, and mapping of foreign rows."""

    pseudonyms: Pseudonyms = PLAIN
    times: TimeReader = UTC_TIMES
    mapping: RowMapping | None = None

    def job_name(self, name: str) -> str:
        """Return the name of a format with the mapping: another mapping makes another job of the same files."""
        return name if self.mapping is None else f"{name}-{self.mapping.digest}"


DEFAULT = Reading()


@dataclass(frozen=True, slots=True)
class RawRows:
    """Raw rows of one kind, values of optional fields that do not fit, and columns that are no field."""

    rows: pl.DataFrame
    lost: pl.DataFrame
    unused: frozenset[str]


def from_rows(
    rows: Sequence[Mapping[str, object]], places: pl.DataFrame, kind: str, reading: Reading = DEFAULT
) -> RawRows:
    """Convert JSON objects, or rows of a table, to a raw frame of `kind`.

    `places` has one row each with the columns file, row, raw. Rows without raw text quote theirs if they have a
    problem.
    """
    reader = row_reader(kind, reading.times)
    found = [reader.read(row) for row in rows]
    for each in found:
        _finish(each.values, kind, reading.pseudonyms)
    schema = _SCHEMAS[kind]
    names = [field.name for field in fields_of(RECORDS[kind])]
    columns: dict[str, list[Any]] = {name: [each.values.get(name) for each in found] for name in names}
    columns["problem"] = [each.problem and each.problem.reason for each in found]
    columns["given"] = [each.problem and each.problem.value for each in found]
    table = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    placed = pl.concat([table, _quoted(places, rows, found)], how="horizontal")
    return RawRows(
        conform(placed, schema), _lost(found, places, kind), frozenset().union(*(each.unused for each in found))
    )


def batch_of(position: int, kind: str, found: RawRows, rejects: pl.DataFrame) -> Batch:
    """Return a batch with rows of one kind."""
    batch = Batch(
        position, rejects=rejects, lost=found.lost, unused=frozenset((kind, name) for name in found.unused)
    )
    if kind == "articles":
        return replace(batch, articles=found.rows)
    return replace(batch, events=found.rows) if kind == "events" else replace(batch, slates=found.rows)


def mapped_batch(
    position: int,
    rows: Sequence[Mapping[str, object]],
    places: pl.DataFrame,
    reading: Reading,
    rejects: pl.DataFrame,
) -> Batch:
    """Return a batch of the rows that the mapping of `reading` makes; `places`: as in `from_rows`, of `rows`."""
    assert reading.mapping is not None, "the caller has a mapping"
    made: dict[str, tuple[list[dict[str, object]], list[int]]] = {kind: ([], []) for kind in RECORDS}
    left_over = 0
    for place, row in enumerate(rows):
        parts = reading.mapping.rows(row, reading.times)
        left_over += not parts
        for kind, part in parts:
            made[kind][0].append(part)
            made[kind][1].append(place)
    found = {kind: from_rows(parts, places[at], kind, reading) for kind, (parts, at) in made.items()}
    columns = frozenset().union(*(row.keys() for row in rows))
    return Batch(
        position, found["articles"].rows, found["events"].rows, found["impressions"].rows, rejects,
        lost=pl.concat([raw.lost for raw in found.values()]),
        left_over=left_over, unread=columns - reading.mapping.read_columns,
    )  # fmt: skip


@cache
def row_reader(kind: str, times: TimeReader = UTC_TIMES) -> RowReader:
    """Return the reader of rows of `kind`."""
    return RowReader(kind, RECORDS[kind], (*REQUIRED[kind], "id", *_NEEDED[kind]), times)


def _finish(values: dict[str, Any], kind: str, pseudonyms: Pseudonyms) -> None:
    """Fill in what a row may leave out."""
    if values.get("reader"):
        values["reader"] = pseudonyms.of(values["reader"])
    if kind == "articles":
        return
    if "at" in values:
        values.setdefault("known_at", values["at"])
    if kind == "events":
        if "kind" in values:
            values["kind"] = kind_name(values["kind"])
        values.setdefault("id", event_id(values))
    else:
        values.setdefault("ordered", False)
        values.setdefault("id", slate_id(values))


def _quoted(
    places: pl.DataFrame, rows: Sequence[Mapping[str, object]], found: Sequence[RowValues]
) -> pl.DataFrame:
    """Return file, row and raw of the rows; those without text that have a problem quote what was given."""
    texts = [
        raw if raw is not None or each.problem is None else json.dumps(dict(row), default=str)[:RAW_CHARS]
        for raw, row, each in zip(places["raw"].to_list(), rows, found, strict=True)
    ]
    return places.select("file", "row", pl.Series("raw", texts, dtype=pl.String))


def _lost(found: Sequence[RowValues], places: pl.DataFrame, kind: str) -> pl.DataFrame:
    rows = [
        (file, row, kind, problem.reason, problem.value)
        for (file, row), each in zip(places.select("file", "row").iter_rows(), found, strict=True)
        for problem in each.lost
    ]
    return pl.DataFrame(rows, schema=LOST, orient="row")
