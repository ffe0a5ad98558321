"""User fields of Gorse's API that have no other table. Every known reader is a user too."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert, upsert_all
from recsys.store.tables import readers, user_records


@dataclass(frozen=True, slots=True)
class UserRecord:
    """User record. labels: any JSON value."""

    id: str
    labels: Any = None
    comment: str = ""


def save(connection: Connection, users: list[UserRecord], now: int) -> None:
    """Store users; the last one of an id wins. Register unknown users as readers since `now`, in microseconds."""
    last_by_id = {user.id: user for user in users}
    records = [
        {"reader": user.id, "labels": json.dumps(user.labels), "comment": user.comment}
        for user in last_by_id.values()
    ]
    if records:
        connection.execute(upsert_all(connection, user_records, "reader"), records)
        rows = [{"id": id_, "first_seen_at": now} for id_ in last_by_id]
        connection.execute(insert(connection, readers).on_conflict_do_nothing(), rows)


def page(connection: Connection, after: str, count: int) -> list[UserRecord]:
    """Return the next `count` users after the id `after`."""
    return _query(connection, readers.c.id > after, count)


def get(connection: Connection, id_: str) -> UserRecord | None:
    """Return the user with this id, None if unknown."""
    return next(iter(_query(connection, readers.c.id == id_, 1)), None)


def _query(connection: Connection, which: sa.ColumnElement[bool], count: int) -> list[UserRecord]:
    u = user_records
    query = sa.select(readers.c.id, u.c.labels, u.c.comment).outerjoin(u, u.c.reader == readers.c.id)
    rows = connection.execute(query.where(which).order_by(readers.c.id).limit(count))
    return [UserRecord(id_, json.loads(labels or "null"), comment or "") for id_, labels, comment in rows]
