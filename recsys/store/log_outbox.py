"""Outbox: the event log by sequence number, and how far each destination has got.

`seq` is the order of appending, without a gap between transactions (`store.event_log`), so rows after a position
are never missed, those that an import adds to the past included.
"""

import json
from dataclasses import fields
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import Event, EventKind, Slate
from recsys.store.archive_cursor import MOST_HELD, ArchiveCursor
from recsys.store.conflict_insert import insert
from recsys.store.tables import events, impressions, stream_positions

OutboxRow = tuple[int, Event | Slate]
"""Sequence number and row."""

_LISTS = ("candidates", "scores", "propensities")


class Outbox:
    """Events and slates of the log for one destination, batch by batch: each file of the archive is read once."""

    def __init__(self, most_held: int = MOST_HELD) -> None:
        """Keep up to `most_held` archived rows of each table in memory."""
        self._archived = {
            table.name: ArchiveCursor(table, [field.name for field in fields(record)], most_held)
            for table, record in ((events, Event), (impressions, Slate))
        }

    def rows_after(self, connection: Connection, seq: int, most: int) -> list[OutboxRow]:
        """Return up to `most` events and slates with a sequence number above `seq`, in the order of appending."""
        stored_events = self._rows(connection, events, Event, seq, most)
        stored_slates = self._rows(connection, impressions, Slate, seq, most)
        rows: list[OutboxRow] = [
            *((number, _event(row)) for number, row in stored_events),
            *((number, _slate(row)) for number, row in stored_slates),
        ]
        return sorted(rows, key=itemgetter(0))[:most]

    def _rows(
        self, connection: Connection, table: sa.Table, record: type, seq: int, most: int
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return rows, those in the archive too."""
        columns = [table.c[field.name] for field in fields(record)]
        query = sa.select(table.c.seq, *columns).where(table.c.seq > seq).order_by(table.c.seq).limit(most)
        archived = self._archived[table.name].rows_after(connection, seq, most)
        stored = [dict(row) for row in connection.execute(query).mappings()]
        found = sorted([*archived.iter_rows(named=True), *stored], key=itemgetter("seq"))[:most]
        return [(row.pop("seq"), row) for row in found]


def rows_after(connection: Connection, seq: int, most: int) -> list[OutboxRow]:
    """Return up to `most` rows as an `Outbox` does; for a single question."""
    return Outbox().rows_after(connection, seq, most)


def position(connection: Connection, destination: str) -> int:
    """Return the sequence number up to which `destination` has all rows; 0 for a new destination."""
    query = sa.select(stream_positions.c.seq).where(stream_positions.c.destination == destination)
    return connection.execute(query).scalar_one_or_none() or 0


def positions(connection: Connection) -> dict[str, int]:
    """Return the position of every destination."""
    query = sa.select(stream_positions.c.destination, stream_positions.c.seq)
    return {row.destination: row.seq for row in connection.execute(query)}


def save_position(connection: Connection, destination: str, seq: int) -> None:
    """Note that `destination` has all rows up to `seq`."""
    statement = insert(connection, stream_positions).values(destination=destination, seq=seq)
    connection.execute(statement.on_conflict_do_update(index_elements=["destination"], set_={"seq": seq}))


def _event(row: dict[str, Any]) -> Event:
    return Event(**{**row, "kind": EventKind(row["kind"])})


def _slate(row: dict[str, Any]) -> Slate:
    lists = {name: None if row[name] is None else tuple(json.loads(row[name])) for name in _LISTS}
    return Slate(**{**row, **lists})
