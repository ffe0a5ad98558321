"""Appending to the one log: events and slates share one `seq`, given under one lock.

The lock is the row of `log_position`: whoever has updated it holds it until commit, so a `seq` can never become
visible after a higher one, and a tailer that has read up to `seq` n has missed nothing below.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import Slate
from recsys.frames import EVENTS, SLATES, conform, empty
from recsys.store import bulk_insert
from recsys.store.conflict_insert import insert, insert_for
from recsys.store.tables import events as events_table
from recsys.store.tables import impressions, log_position, readers

_POSITION = sa.select(log_position.c.last_seq, log_position.c.last_known_at)
_LOCK = (
    sa.update(log_position)
    .values(last_seq=log_position.c.last_seq)
    .returning(log_position.c.last_seq, log_position.c.last_known_at)
)
_MOVE = sa.update(log_position).values(
    last_seq=sa.bindparam("seq", type_=sa.BigInteger), last_known_at=sa.bindparam("known_at", type_=sa.BigInteger)
)
_SLATE_LISTS = [name for name, kind in SLATES.items() if isinstance(kind, pl.List)]
_COUNTED = {"preserve_rowcount": True}

EVENT_CONTENT = ("reader", "kind", "article", "subject", "value")
SLATE_CONTENT = ("reader", "candidates")
"""What two rows of one id must agree in to be the same row; times may be estimates, and do not count."""


# made once: the feed sends them all the time, and to make one costs as much as to send it
_SLATE, _READER = (
    {name: insert_for(name, of).on_conflict_do_nothing(index_elements=["id"]) for name in ("postgresql", "sqlite")}
    for of in (impressions, readers)
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log ends: `last_seq` counts rows, `last_known_at` is in microseconds."""

    last_seq: int
    last_known_at: int


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of the rows handed to `append`; a conflict is an id stored with other content."""

    events_stored: int
    events_duplicate: int
    event_conflicts: pl.DataFrame
    slates_stored: int
    slates_duplicate: int
    slate_conflicts: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Inserted:
    stored: int
    duplicate: int
    conflicts: pl.DataFrame


def position(connection: Connection) -> Position:
    """Where the log ends, as this transaction sees it."""
    return Position(*connection.execute(_POSITION).one())


def lock(connection: Connection) -> Position:
    """Take the append lock (held until commit) and tell where the log ends."""
    return Position(*connection.execute(_LOCK).one())


def append(connection: Connection, events: pl.DataFrame | None, slates: pl.DataFrame | None) -> Appended:
    """Store rows with the columns of `frames.EVENTS` and `frames.SLATES`; ids already stored are left alone.

    Rows of one frame with the same id count as duplicates (or conflicts) of the first.
    """
    start = lock(connection)
    event_rows = conform(events if events is not None else empty(EVENTS), EVENTS)
    slate_rows = conform(slates if slates is not None else empty(SLATES), SLATES)
    one = _insert(connection, events_table, event_rows, EVENT_CONTENT, start.last_seq)
    two = _insert(connection, impressions, slate_rows, SLATE_CONTENT, start.last_seq + one.stored)
    known = pl.concat([event_rows["known_at"], slate_rows["known_at"]])
    latest = max(start.last_known_at, *known.to_list()) if known.len() else start.last_known_at
    connection.execute(_MOVE, {"seq": start.last_seq + one.stored + two.stored, "known_at": latest})
    return Appended(one.stored, one.duplicate, one.conflicts, two.stored, two.duplicate, two.conflicts)


def append_slate(connection: Connection, slate: Slate, end: Position) -> None:
    """Store one slate behind `end`, which `lock` told; as `append`, but without a temporary table, for the feed.

    A slate that is stored already is left alone.
    """
    dialect = connection.dialect.name
    row = {
        "seq": end.last_seq + 1,
        **{name: getattr(slate, name) for name in SLATES},
        **{name: _array(getattr(slate, name)) for name in _SLATE_LISTS},
    }
    stored = connection.execute(_SLATE[dialect], row, execution_options=_COUNTED).rowcount
    latest = max(end.last_known_at, slate.known_at)
    connection.execute(_MOVE, {"seq": end.last_seq + stored, "known_at": latest})
    connection.execute(_READER[dialect], {"id": slate.reader, "first_seen_at": slate.at})


def _array(values: Sequence[object] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)


def openings(connection: Connection, of_readers: Sequence[str]) -> pl.DataFrame:
    """When readers opened articles: columns reader, article, at (microseconds) of their stored clicks."""
    schema = {"reader": pl.String, "article": pl.String, "at": pl.Int64}
    frame = pl.DataFrame({"reader": list(of_readers)}, schema={"reader": pl.String})
    wanted = bulk_insert.stage(connection, events_table, frame)
    e = events_table
    query = (
        sa.select(e.c.reader, e.c.article, e.c.at)
        .join(wanted, wanted.c.reader == e.c.reader)
        .where(e.c.kind == "click")
    )
    return pl.DataFrame(connection.execute(query).fetchall(), schema=schema, orient="row")


def seen_articles(connection: Connection, reader: str, before: int) -> set[str]:
    """All articles the reader clicked, read or hid, however long ago, known `before` that (microseconds)."""
    e = events_table
    query = sa.select(e.c.article).where(
        e.c.reader == reader,
        e.c.kind.in_(["click", "read", "hide", "dislike"]),
        e.c.known_at < before,
    )
    return set(connection.execute(query).scalars())


def _insert(
    connection: Connection, table: sa.Table, rows: pl.DataFrame, content: Sequence[str], last_seq: int
) -> _Inserted:
    if rows.is_empty():
        return _Inserted(0, 0, rows)
    first = rows.unique("id", keep="first", maintain_order=True)
    staged = bulk_insert.stage(connection, table, first)
    conflicts = pl.concat([_conflicts_stored(connection, table, staged, first, content), _repeats(rows, content)])
    stored = _insert_new(connection, table, staged, last_seq)
    _register_readers(connection, staged)
    return _Inserted(stored, rows.height - stored - conflicts.height, conflicts)


def _conflicts_stored(
    connection: Connection, table: sa.Table, staged: sa.Table, first: pl.DataFrame, content: Sequence[str]
) -> pl.DataFrame:
    differs = sa.or_(*(table.c[name].is_distinct_from(staged.c[name]) for name in content))
    query = sa.select(staged.c[bulk_insert.ROW]).join(table, table.c.id == staged.c.id).where(differs)
    return first[sorted(connection.execute(query).scalars())]


def _repeats(rows: pl.DataFrame, content: Sequence[str]) -> pl.DataFrame:
    """Rows whose id stands earlier in the same frame with other content."""
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
    return connection.execute(statement, execution_options=_COUNTED).rowcount


def knows_reader(connection: Connection, reader: str) -> bool:
    """Whether any stored row is of `reader`."""
    return connection.execute(sa.select(readers.c.id).where(readers.c.id == reader)).first() is not None


def _register_readers(connection: Connection, staged: sa.Table) -> None:
    seen = sa.select(staged.c.reader, sa.func.min(staged.c.at)).where(sa.true()).group_by(staged.c.reader)
    connection.execute(
        insert(connection, readers).from_select(["id", "first_seen_at"], seen).on_conflict_do_nothing()
    )
