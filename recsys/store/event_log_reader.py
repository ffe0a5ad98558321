"""Reads the event log in the order of the fold, (known_at, id bytewise), in column batches.

An `impression` event that refers to a request id is skipped: the slate with that id is the exposure. Any other
event keeps its request id only if that slate was shown to the same reader before, so that clients cannot invent
one.

The older part of the log may be in files (`store.log_archive`). `stream` reads both as one log, with the chunks
that it would have from SQL alone. `tail` reads SQL alone: a state that lacks an archived row is folded again.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import Event, EventKind, Slate
from recsys.frames import EVENTS, SLATES
from recsys.store import log_archive
from recsys.store.log_archive import QUOTED
from recsys.store.tables import archive_files, events, impressions

BATCH_ROWS = 50_000

_EVENT_NAMES = ("known_at", "id", "reader", "kind", "at", "article", "subject", "value", "request_id")
_SLATE_NAMES = ("known_at", "id", "reader", "at", "candidates", "ordered", "device", "page")
EVENT_COLUMNS: dict[str, pl.DataType] = {name: EVENTS[name] for name in _EVENT_NAMES}
SLATE_COLUMNS: dict[str, pl.DataType] = {name: SLATES[name] for name in _SLATE_NAMES} | {"candidates": pl.String()}
"""The columns that the fold, labels and evaluation need: most of the log is never read."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Position in the fold's order. Python orders strings by code point, which equals UTF-8's bytewise order."""

    known_at: int
    id: str


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Contiguous part of the log: its events and its slates, each sorted by `Key`.

    `events` has `EVENT_COLUMNS`, `slates` has `SLATE_COLUMNS` with `candidates` as a list of strings.
    """

    events: pl.DataFrame
    slates: pl.DataFrame

    @property
    def first(self) -> Key | None:
        """Return the smallest key, None if the chunk is empty."""
        return min(self._keys(0), default=None)

    @property
    def last(self) -> Key | None:
        """Return the largest key, None if the chunk is empty."""
        return max(self._keys(-1), default=None)

    def _keys(self, row: int) -> list[Key]:
        frames = (frame for frame in (self.events, self.slates) if frame.height)
        return [Key(frame["known_at"][row], frame["id"][row]) for frame in frames]


@dataclass(frozen=True, slots=True)
class LogTail:
    """Newest rows of the log in the order of appending, with the fields that the fold needs."""

    events: list[Event]
    slates: list[Slate]

    @property
    def first(self) -> Key | None:
        """Return the smallest key, None if the tail is empty."""
        return min(self._keys(), default=None)

    @property
    def last(self) -> Key | None:
        """Return the largest key, None if the tail is empty."""
        return max(self._keys(), default=None)

    def after(self, key: Key) -> "LogTail":
        """Return the rows after `key` in the order of the fold."""
        events = [event for event in self.events if Key(event.known_at, event.id) > key]
        return LogTail(events, [slate for slate in self.slates if Key(slate.known_at, slate.id) > key])

    def _keys(self) -> Iterator[Key]:
        yield from (Key(event.known_at, event.id) for event in self.events)
        yield from (Key(slate.known_at, slate.id) for slate in self.slates)


def stream(
    connection: Connection,
    after: Key | None = None,
    until: int | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Generator[LogChunk]:
    """Yield all rows with key > `after` and known_at < `until`, in order, one batch in memory at a time.

    After the last row of a chunk, the chunks are the same as without `after`.
    """
    slates = _Lookahead(_batches(connection, impressions, after, until, batch_rows), SLATE_COLUMNS)
    for chunk in _batches(connection, events, after, until, batch_rows):
        bound = Key(chunk["known_at"][-1], chunk["id"][-1])
        yield LogChunk(chunk, slates.up_to(bound))
    no_events = pl.DataFrame(schema=EVENT_COLUMNS)
    for remaining in _equal_batches(slates.remaining(), batch_rows):
        yield LogChunk(no_events, remaining)


_TAIL_COLUMNS = ("id", "reader", "kind", "at", "known_at", "article", "subject", "value", "request_id")


def tail(connection: Connection, after_seq: int, end_seq: int = 2**62) -> LogTail:
    """Return all rows with `after_seq` < seq ≤ `end_seq`. They are all loaded into memory: keep the tail short.

    No row after `after_seq` may be archived: see `event_log.Position.archived_seq`.

    Both bounds are given because PostgreSQL estimates that `seq > ?` matches a third of the log, and scans it all.
    """
    e, i = events.c, impressions.c
    event_query = _select_events(*_TAIL_COLUMNS)
    slate_query = sa.select(i.id, i.reader, i.at, i.known_at, i.candidates, i.ordered)
    return LogTail(
        [
            Event(**{**dict(zip(_TAIL_COLUMNS, row, strict=True)), "kind": EventKind(row[2])})
            for row in connection.execute(event_query.where(e.seq > after_seq, e.seq <= end_seq).order_by(e.seq))
        ],
        [
            Slate(**{**row._mapping, "candidates": tuple(json.loads(row.candidates))})
            for row in connection.execute(slate_query.where(i.seq > after_seq, i.seq <= end_seq).order_by(i.seq))
        ],
    )


def first_key(connection: Connection, after_seq: int) -> Key | None:
    """Return the smallest key of the rows appended after `after_seq`, None if there is none."""
    keys = []
    for table in (events, impressions):
        late = sa.select(table.c.known_at, table.c.id).where(table.c.seq > after_seq).subquery()
        # the sum keeps SQLite from walking the index of the fold's order instead of the few late rows
        first = sa.select(late).order_by(late.c.known_at + 0, late.c.id).limit(1)
        row = connection.execute(first).one_or_none()
        if row is not None:
            keys.append(Key(row.known_at, row.id))
        later = archive_files.c.last_seq > after_seq
        for frame in log_archive.frames(connection, table, ("seq", "known_at", "id"), later):
            # rows of a file are in the order of keys
            keys += [
                Key(*key) for key in frame.filter(pl.col("seq") > after_seq)[:1, ["known_at", "id"]].iter_rows()
            ]
    return min(keys, default=None)


def slate_span(connection: Connection) -> tuple[int, int] | None:
    """Return when the first and the last slate were shown (microseconds), None without slates."""
    row = connection.execute(sa.select(sa.func.min(impressions.c.at), sa.func.max(impressions.c.at))).one()
    spans = [log_archive.span(connection, impressions), None if row[0] is None else (int(row[0]), int(row[1]))]
    found = [span for span in spans if span is not None]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


class _Lookahead:
    """Splits a sorted stream of frames with `columns` at bounds, and buffers the rows after the bound."""

    def __init__(self, frames: Iterator[pl.DataFrame], columns: dict[str, pl.DataType]) -> None:
        self._frames = frames
        self._buffer: pl.DataFrame = _decoded(pl.DataFrame(schema=columns))
        self._ended = False

    def up_to(self, bound: Key) -> pl.DataFrame:
        while not self._ended and (self._buffer.is_empty() or self._buffer["known_at"][-1] <= bound.known_at):
            more = next(self._frames, None)
            self._ended = more is None
            if more is not None:
                self._buffer = pl.concat([self._buffer, more])
        count = self._buffer.select(_up_to(bound).sum()).item()
        released, self._buffer = self._buffer[:count], self._buffer[count:]
        return released

    def remaining(self) -> Iterator[pl.DataFrame]:
        if self._buffer.height:
            yield self._buffer
        yield from self._frames


def _batches(
    connection: Connection, table: sa.Table, after: Key | None, until: int | None, batch_rows: int
) -> Iterator[pl.DataFrame]:
    """Yield the rows of `table`, archived or not, in order; all frames but the last have `batch_rows` rows."""
    columns = EVENT_COLUMNS if table is events else SLATE_COLUMNS
    stored = _stored_batches(connection, table, after, until, batch_rows)
    a = archive_files.c
    within = [] if after is None else [a.last_known_at >= after.known_at]
    within += [] if until is None else [a.first_known_at < until]
    if not log_archive.files(connection, table, *within):
        yield from stored
        return
    archived = (_archived_part(frame, columns, after, until) for frame in _archived(connection, table, within))
    yield from _equal_batches(_merged(archived, _Lookahead(stored, columns)), batch_rows)


def _archived(
    connection: Connection, table: sa.Table, within: list[sa.ColumnElement[bool]]
) -> Iterator[pl.DataFrame]:
    names = EVENT_COLUMNS if table is events else SLATE_COLUMNS
    extra = (QUOTED,) if table is events else ()
    return log_archive.frames(connection, table, (*names, *extra), *within)


def _archived_part(
    rows: pl.DataFrame, columns: dict[str, pl.DataType], after: Key | None, until: int | None
) -> pl.DataFrame:
    """Return rows of a file as `_select` returns those of SQL."""
    if after is not None:
        rows = rows.filter(~_up_to(after))
    if until is not None:
        rows = rows.filter(pl.col("known_at") < until)
    if QUOTED in rows.columns:
        rows = rows.filter((pl.col("kind") != EventKind.IMPRESSION) | pl.col("request_id").is_null())
        rows = rows.with_columns(pl.col(QUOTED).alias("request_id"))
    return _decoded(rows.select(list(columns)))


def _merged(archived: Iterator[pl.DataFrame], stored: "_Lookahead") -> Iterator[pl.DataFrame]:
    """Yield archived rows and those of SQL in one order."""
    for frame in archived:
        if frame.is_empty():
            continue
        between = stored.up_to(Key(frame["known_at"][-1], frame["id"][-1]))
        # strings are sorted bytewise, as in both databases
        yield frame if between.is_empty() else pl.concat([frame, between]).sort("known_at", "id")
    yield from stored.remaining()


def _equal_batches(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of all frames in frames of `rows` rows; the last one may have fewer."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(each.height for each in waiting) < rows:
            continue
        whole = pl.concat(waiting)
        full = whole.height // rows * rows
        for start in range(0, full, rows):
            yield whole[start : start + rows]
        waiting = [whole[full:]]
    last = [frame for frame in waiting if frame.height]
    if last:
        yield pl.concat(last)


def _up_to(bound: Key) -> pl.Expr:
    """Return the condition of rows with a key up to `bound`."""
    return (pl.col("known_at") < bound.known_at) | (
        (pl.col("known_at") == bound.known_at) & (pl.col("id") <= bound.id)
    )


def _stored_batches(
    connection: Connection, table: sa.Table, after: Key | None, until: int | None, batch_rows: int
) -> Iterator[pl.DataFrame]:
    columns = EVENT_COLUMNS if table is events else SLATE_COLUMNS
    query = _select(table, columns).order_by(table.c.known_at, table.c.id)
    if after is not None:
        query = query.where(sa.tuple_(table.c.known_at, table.c.id) > sa.tuple_(after.known_at, after.id))
    if until is not None:
        query = query.where(table.c.known_at < until)
    # close it also when the caller stops early: PostgreSQL would keep the cursor open
    with connection.execution_options(stream_results=True).execute(query) as result:
        for rows in result.partitions(batch_rows):
            yield _rows_to_frame(rows, columns)


def _select(table: sa.Table, columns: dict[str, pl.DataType]) -> sa.Select[Any]:
    return _select_events(*columns) if table is events else sa.select(*(table.c[name] for name in columns))


def _select_events(*columns: str) -> sa.Select[Any]:
    e, shown = events.c, shown_request()
    query = sa.select(*(shown.label(name) if name == "request_id" else e[name] for name in columns))
    return query.where(sa.or_(e.kind != "impression", e.request_id.is_(None)))


def shown_request() -> sa.ScalarSelect[str]:
    """Return the request id of an event if that slate was shown to the same reader before; else null."""
    i, e = impressions.c, events.c
    return (
        sa.select(i.id)
        .where(i.id == e.request_id, i.reader == e.reader, i.known_at <= e.known_at)
        .scalar_subquery()
    )


def _rows_to_frame(rows: Any, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    data = dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}
    frame = pl.DataFrame(data, schema=columns)
    return _decoded(frame)


def _decoded(rows: pl.DataFrame) -> pl.DataFrame:
    if "candidates" not in rows.columns:
        return rows
    return rows.with_columns(pl.col("candidates").str.json_decode(pl.List(pl.String)))
