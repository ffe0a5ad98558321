"""Item fields of Gorse's API that have no other table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import upsert_all
from recsys.store.tables import articles, item_records


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """Item record. labels: any JSON value."""

    id: str
    labels: Any
    categories: tuple[str, ...]
    comment: str


def save(connection: Connection, records: Sequence[ItemRecord]) -> None:
    """Store records; the last one of an id wins."""
    rows = [
        {
            "id": record.id,
            "labels": json.dumps(record.labels),
            "categories": json.dumps(record.categories),
            "comment": record.comment,
        }
        for record in {record.id: record for record in records}.values()
    ]
    if rows:
        connection.execute(upsert_all(connection, item_records, "id"), rows)


def get(connection: Connection, ids: Sequence[str]) -> dict[str, ItemRecord]:
    """Return the stored records of `ids`."""
    found = connection.execute(sa.select(item_records).where(item_records.c.id.in_(ids)))
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
