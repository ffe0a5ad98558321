"""Item fields of Gorse's API that have no other table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import bulk_insert
from recsys.store.id_arrays import rows_of
from recsys.store.tables import articles, item_records

_COLUMNS = ("id", "labels", "categories", "comment")


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """Item record. labels: any JSON value."""

    id: str
    labels: Any
    categories: tuple[str, ...]
    comment: str


def save(connection: Connection, records: Sequence[ItemRecord]) -> None:
    """Store records; the last one of an id wins."""
    if not records:
        return
    last = {record.id: record for record in records}.values()
    rows = [(r.id, json.dumps(r.labels), json.dumps(r.categories), r.comment) for r in last]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")
    bulk_insert.upsert(connection, item_records, bulk_insert.stage(connection, item_records, frame), "id")


def get(connection: Connection, ids: Sequence[str]) -> dict[str, ItemRecord]:
    """Return the stored records of `ids`."""
    found = rows_of(connection, sa.select(item_records), item_records.c.id, ids)
    return {row.id: _record(row) for row in found}


def delete(connection: Connection, id_: str) -> bool:
    """Delete a record. Return False if there is none."""
    return connection.execute(sa.delete(item_records).where(item_records.c.id == id_)).rowcount > 0


def page(connection: Connection, after: str, count: int, text: str = "") -> list[str]:
    """Return the next `count` ids of stored articles after `after`, withdrawn ones included.

    With `text`, only articles that contain it in the title or the comment.
    """
    a, r = articles, item_records
    query = sa.select(a.c.id).outerjoin(r, r.c.id == a.c.id).where(a.c.id > after)
    if text:
        in_comment = r.c.comment.icontains(text, autoescape=True)
        query = query.where(a.c.title.icontains(text, autoescape=True) | in_comment)
    return list(connection.execute(query.order_by(a.c.id).limit(count)).scalars())


def _record(row: Any) -> ItemRecord:
    return ItemRecord(row.id, json.loads(row.labels), tuple(json.loads(row.categories)), row.comment)
