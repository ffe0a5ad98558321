"""Stored rows that decide what becomes of new rows of the log, in one query.

The caller holds the lock of the log meanwhile, and on PostgreSQL each query costs an exchange with the server.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.amended_values import CONTENT_COLUMNS, Content
from recsys.store.id_arrays import ids_parameter, is_among
from recsys.store.tables import events, impressions, learning_pauses, readers

_Kind = Literal["reader", "paused", "event", "slate"]


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """Stored rows with the ids of `related_rows`.

    readers: those that are stored; paused: those who paused learning; events: content by id; shown: (id, reader)
    of slates.
    """

    readers: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    events: dict[str, Content] = field(default_factory=dict)
    shown: set[tuple[str, str]] = field(default_factory=set)


def related_rows(
    connection: Connection,
    *,
    readers: Iterable[str] = (),
    events: Iterable[str] = (),
    slates: Iterable[str] = (),
) -> RelatedRows:
    """Return the stored rows of these readers, events and slates, given by their ids."""
    given = {"readers": sorted(set(readers)), "events": list(events), "slates": sorted(set(slates))}
    found = RelatedRows()
    if not any(given.values()):
        return found
    dialect = connection.dialect.name
    parameters = [ids_parameter(dialect, ids, name) for name, ids in given.items()]
    rows = connection.execute(_RELATED[dialect], {key: each for one in parameters for key, each in one.items()})
    for row_kind, id_, reader, kind, article, subject, value in rows:
        if row_kind == "event":
            found.events[id_] = (reader, kind, article, subject, value)
        elif row_kind == "slate":
            found.shown.add((id_, reader))
        else:
            (found.paused if row_kind == "paused" else found.readers).add(id_)
    return found


def _part(
    row_kind: _Kind, ids: sa.ColumnElement[bool], id_: sa.Column[Any], columns: Mapping[str, sa.Column[Any]]
) -> sa.Select[Any]:
    kinds = {"value": sa.Float}
    content = (columns.get(name, sa.cast(sa.null(), kinds.get(name, sa.Text))) for name in CONTENT_COLUMNS)
    return sa.select(sa.literal_column(f"'{row_kind}'").label("row_kind"), id_.label("id"), *content).where(ids)


def _query(dialect: str) -> sa.CompoundSelect[Any]:
    def among(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
        return is_among(dialect, column, name)

    content = {name: events.c[name] for name in CONTENT_COLUMNS}
    paused = learning_pauses.c.reader
    return sa.union_all(
        _part("reader", among(readers.c.id, "readers"), readers.c.id, {}),
        _part("paused", among(paused, "readers"), paused, {}),
        _part("event", among(events.c.id, "events"), events.c.id, content),
        _part("slate", among(impressions.c.id, "slates"), impressions.c.id, {"reader": impressions.c.reader}),
    )


_RELATED = {name: _query(name) for name in ("postgresql", "sqlite")}
