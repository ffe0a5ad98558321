"""Appends to the event log: events and slates share one sequence number, `seq`, assigned under one lock.

The lock is the row of `log_position`. A transaction that updates it holds the lock until commit, so no `seq`
becomes visible after a higher one: a process that has read up to `seq` n has missed no row below n.
"""

import json
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import compress
from operator import attrgetter

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from recsys.domain import Event, EventKind, Slate
from recsys.frames import EVENTS, SLATES, conform, empty
from recsys.store import archive_scope, bulk_insert
from recsys.store.amended_values import CONTENT_COLUMNS, MEASURED, Content, RowOutcome, decide
from recsys.store.conflict_insert import insert, insert_for
from recsys.store.learning_pauses import KEPT, without_paused
from recsys.store.related_rows import related_rows
from recsys.store.tables import events as events_table
from recsys.store.tables import impressions, log_position, readers

_PLACES = ("last_seq", "last_known_at", "archived_until", "archived_seq")
_POSITION = sa.select(*(log_position.c[name] for name in _PLACES))
_LOCK = (
    sa.update(log_position)
    .values(last_seq=log_position.c.last_seq)
    .returning(*(log_position.c[name] for name in _PLACES))
)
_SET_POSITION = sa.update(log_position).values(
    last_seq=sa.bindparam("seq", type_=sa.BigInteger), last_known_at=sa.bindparam("known_at", type_=sa.BigInteger)
)
_SLATE_LISTS = [name for name, kind in SLATES.items() if isinstance(kind, pl.List)]
_WITH_ROWCOUNT = {"preserve_rowcount": True}

SLATE_CONTENT = ("reader", "candidates")
"""Columns that two slates with the same id must agree on to be duplicates. Times may be estimates and are ignored.
"""


# built once: every feed request executes them, and building one costs as much as executing it
_INSERT_SLATE = {
    name: insert_for(name, impressions).on_conflict_do_nothing(index_elements=["id"])
    for name in ("postgresql", "sqlite")
}
_INSERT_READERS = {
    "sqlite": insert_for("sqlite", readers).on_conflict_do_nothing(index_elements=["id"]),
    "postgresql": insert_for("postgresql", readers)
    .from_select(
        ["id", "first_seen_at"],
        sa.select(
            sa.func.unnest(sa.bindparam("ids", type_=ARRAY(sa.Text))),
            sa.func.unnest(sa.bindparam("times", type_=ARRAY(sa.BigInteger))),
        ),
    )
    .on_conflict_do_nothing(index_elements=["id"]),
}
"""Stores readers that are not stored yet. PostgreSQL takes all in two arrays: one INSERT a reader is slower."""
_EVENT_VALUES = attrgetter(*EVENTS)


@dataclass(frozen=True, slots=True)
class Position:
    """End of the log, and of its archived part.

    last_seq: newest sequence number; last_known_at: newest receipt time, microseconds. archived_until: time before
    which rows are archived, microseconds; archived_seq: greatest sequence number in the archive.
    """

    last_seq: int
    last_known_at: int
    archived_until: int = 0
    archived_seq: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """Outcome of `append_frames`. A conflict is a row whose id is stored with other content.

    events_paused, slates_paused: rows that are not stored because their readers have paused learning.
    events_closed, slates_closed: rows that are not stored because they belong to the archived part of the log.
    """

    events_stored: int
    events_duplicate: int
    event_conflicts: pl.DataFrame
    slates_stored: int
    slates_duplicate: int
    slate_conflicts: pl.DataFrame
    events_paused: pl.DataFrame
    slates_paused: pl.DataFrame
    events_closed: pl.DataFrame
    slates_closed: pl.DataFrame


@dataclass(frozen=True, slots=True)
class AppendedRows:
    """Outcome of `append_rows`: one entry an event, and the sequence number of the last row of the log.

    stored: the events that were added, in their order; of an amendment, the part that it added. quoted: (request
    id, reader) of the slates that new events quote and that were shown to this reader before.
    """

    events: list[RowOutcome]
    stored: list[Event]
    last_seq: int
    quoted: Set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Inserted:
    stored: int
    duplicate: int
    conflicts: pl.DataFrame


def position(connection: Connection) -> Position:
    """Return the end of the log, as this transaction sees it."""
    return Position(*connection.execute(_POSITION).one())


def lock(connection: Connection) -> Position:
    """Take the append lock until commit, and return the end of the log."""
    return Position(*connection.execute(_LOCK).one())


def append_frames(connection: Connection, events: pl.DataFrame | None, slates: pl.DataFrame | None) -> Appended:
    """Append rows with the columns of `frames.EVENTS` and `frames.SLATES`; skip ids already stored.

    Rows of one frame with the same id count as duplicates (or conflicts) of the first. A `read` or `scroll` with a
    larger value amends the stored one (`store.amended_values`).
    """
    start = lock(connection)
    given = conform(events if events is not None else empty(EVENTS), EVENTS)
    given, events_closed = _split(given, archive_scope.closed_events(start.archived_until))
    event_rows, events_paused = without_paused(connection, given)
    given = conform(slates if slates is not None else empty(SLATES), SLATES)
    given, slates_closed = _split(given, archive_scope.closed_slates(start.archived_until))
    slate_rows, slates_paused = without_paused(connection, given)
    event_counts = _insert(connection, events_table, event_rows, CONTENT_COLUMNS, start.last_seq)
    event_counts = _amended(connection, event_counts, start.last_seq)
    slate_counts = _insert(
        connection, impressions, slate_rows, SLATE_CONTENT, start.last_seq + event_counts.stored
    )
    known_at = pl.concat([event_rows["known_at"], slate_rows["known_at"]])
    latest = max(start.last_known_at, *known_at.to_list()) if known_at.len() else start.last_known_at
    connection.execute(
        _SET_POSITION, {"seq": start.last_seq + event_counts.stored + slate_counts.stored, "known_at": latest}
    )
    return Appended(
        event_counts.stored,
        event_counts.duplicate,
        event_counts.conflicts,
        slate_counts.stored,
        slate_counts.duplicate,
        slate_counts.conflicts,
        events_paused,
        slates_paused,
        events_closed,
        slates_closed,
    )


def append_rows(
    connection: Connection, events: Sequence[Event], slates: Sequence[Slate], end: Position
) -> AppendedRows:
    """Append rows after `end`, the position that `lock` returned.

    Rows with an id that is stored already, rows of readers who paused learning, and rows of the archived part of
    the log are skipped. Unlike `append_frames` this needs no temporary table and no data frames, so it is fast for
    the rows of a few requests.
    """
    related = related_rows(
        connection,
        readers=[*(event.reader for event in events), *(slate.reader for slate in slates)],
        events=[event.id for event in events],
        slates=[event.request_id for event in events if event.request_id is not None],
    )
    paused, closed = related.paused, end.archived_until
    slates = [
        slate for slate in slates if slate.reader not in paused and not archive_scope.is_closed(slate, closed)
    ]
    refused = [_refusal(event, paused, closed) for event in events]
    taken = [outcome is None for outcome in refused]
    learned = list(compress(events, taken))
    decided = decide(learned, related.events, partial(_stored_content, connection))
    new = [row for outcome, row in decided if outcome is RowOutcome.STORED]
    seq = end.last_seq
    if new:
        seq = _insert_events(connection, new, seq)
    dialect = connection.dialect.name
    for slate in slates:
        row = {"seq": seq + 1, **_slate_row(slate)}
        seq += connection.execute(_INSERT_SLATE[dialect], row, execution_options=_WITH_ROWCOUNT).rowcount
    added: list[Event | Slate] = [*new, *slates]
    first_seen = {row.reader: row.at for row in reversed(added) if row.reader not in related.readers}
    _insert_readers(connection, first_seen)
    latest = max((row.known_at for row in added), default=0)
    connection.execute(_SET_POSITION, {"seq": seq, "known_at": max(latest, end.last_known_at)})
    outcomes = iter(decided)
    found = [next(outcomes)[0] if outcome is None else outcome for outcome in refused]
    return AppendedRows(found, new, seq, related.shown)


def _split(rows: pl.DataFrame, closed: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that may be stored, and those of the archived part of the log."""
    return rows.filter(~closed), rows.filter(closed)


def _refusal(event: Event, paused: Collection[str], archived_until: int) -> RowOutcome | None:
    """Return the outcome of an event that is not stored whatever else is; None for all others."""
    if archive_scope.is_closed(event, archived_until):
        return RowOutcome.CLOSED
    return RowOutcome.PAUSED if event.reader in paused and event.kind not in KEPT else None


def _stored_content(connection: Connection, ids: list[str]) -> dict[str, Content]:
    return related_rows(connection, events=ids).events


def _insert_events(connection: Connection, events: Sequence[Event], last_seq: int) -> int:
    """Insert events that are known not to be stored; return the sequence number of the last one."""
    rows = [(last_seq + n, *_EVENT_VALUES(event)) for n, event in enumerate(events, start=1)]
    bulk_insert.insert_new(connection, events_table, ("seq", *EVENTS), rows)
    return last_seq + len(rows)


def _insert_readers(connection: Connection, first_seen: dict[str, int]) -> None:
    """Store the readers that are not stored yet. first_seen: reader → time of the first row, microseconds."""
    if not first_seen:
        return
    dialect = connection.dialect.name
    if dialect == "postgresql":
        given = {"ids": list(first_seen), "times": list(first_seen.values())}
        connection.execute(_INSERT_READERS[dialect], given)
    else:
        rows = [{"id": reader, "first_seen_at": at} for reader, at in first_seen.items()]
        connection.execute(_INSERT_READERS[dialect], rows)


def _slate_row(slate: Slate) -> dict[str, object]:
    lists = {name: _array(getattr(slate, name)) for name in _SLATE_LISTS}
    return {**{name: getattr(slate, name) for name in SLATES}, **lists}


def _array(values: Sequence[object] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)


def _insert(
    connection: Connection, table: sa.Table, rows: pl.DataFrame, content: Sequence[str], last_seq: int
) -> _Inserted:
    if rows.is_empty():
        return _Inserted(0, 0, rows)
    first = rows.unique("id", keep="first", maintain_order=True)
    staged = bulk_insert.stage(connection, table, first)
    conflicts = pl.concat(
        [_conflicts_stored(connection, table, staged, first, content), _conflicts_in_frame(rows, content)]
    )
    stored = _insert_new(connection, table, staged, last_seq)
    _register_readers(connection, staged)
    return _Inserted(stored, rows.height - stored - conflicts.height, conflicts)


def _amended(connection: Connection, inserted: _Inserted, last_seq: int) -> _Inserted:
    """Store the amendments among the conflicts of `inserted`, after its rows, and return the counts with them."""
    measured = pl.col("kind").is_in([kind.value for kind in MEASURED])
    rows = inserted.conflicts.filter(measured)
    if rows.is_empty():
        return inserted
    events = [
        Event(**{**row, "kind": EventKind(row["kind"])}) for row in rows.select(list(EVENTS)).iter_rows(named=True)
    ]
    stored = _stored_content(connection, [event.id for event in events])
    decided = decide(events, stored, partial(_stored_content, connection))
    outcomes = [outcome for outcome, _ in decided]
    parts = [row for outcome, row in decided if outcome is RowOutcome.STORED]
    if parts:
        _insert_events(connection, parts, last_seq + inserted.stored)
    remaining = rows.filter(pl.Series([outcome is RowOutcome.CONFLICT for outcome in outcomes], dtype=pl.Boolean))
    return _Inserted(
        inserted.stored + len(parts),
        inserted.duplicate + outcomes.count(RowOutcome.DUPLICATE),
        pl.concat([inserted.conflicts.filter(~measured), remaining]),
    )


def _conflicts_stored(
    connection: Connection, table: sa.Table, staged: sa.Table, first: pl.DataFrame, content: Sequence[str]
) -> pl.DataFrame:
    differs = sa.or_(*(table.c[name].is_distinct_from(staged.c[name]) for name in content))
    query = sa.select(staged.c[bulk_insert.ROW]).join(table, table.c.id == staged.c.id).where(differs)
    return first[sorted(connection.execute(query).scalars())]


def _conflicts_in_frame(rows: pl.DataFrame, content: Sequence[str]) -> pl.DataFrame:
    """Return the rows whose id occurs earlier in the same frame with other content."""
    if rows["id"].n_unique() == rows.height:
        return rows.clear()
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).first().over("id")) for name in content)
    return rows.filter(changed)


def _insert_new(connection: Connection, table: sa.Table, staged: sa.Table, last_seq: int) -> int:
    stored = sa.select(sa.literal(1)).where(table.c.id == staged.c.id).exists()
    columns = [column for column in staged.c if column.name != bulk_insert.ROW]
    seq = sa.func.row_number().over(order_by=staged.c[bulk_insert.ROW]) + last_seq
    new = sa.select(seq, *columns).where(~stored)
    statement = sa.insert(table).from_select(["seq", *(column.name for column in columns)], new)
    return connection.execute(statement, execution_options=_WITH_ROWCOUNT).rowcount


def _register_readers(connection: Connection, staged: sa.Table) -> None:
    seen = sa.select(staged.c.reader, sa.func.min(staged.c.at)).where(sa.true()).group_by(staged.c.reader)
    connection.execute(
        insert(connection, readers).from_select(["id", "first_seen_at"], seen).on_conflict_do_nothing()
    )
