"""What came with users through Gorse's API; a reader known otherwise is a user too."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert
from recsys.store.tables import readers, user_records


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user. labels: anything that JSON can say."""

    id: str
    labels: Any = None
    comment: str = ""


def save(connection: Connection, users: list[UserRecord], now: int) -> None:
    """Store users, the last of an id; they are readers from `now` (microseconds) on, if they were none."""
    last = {user.id: user for user in users}
    for user in last.values():
        row = {"labels": json.dumps(user.labels), "comment": user.comment}
        statement = insert(connection, user_records).values(reader=user.id, **row)
        connection.execute(statement.on_conflict_do_update(index_elements=["reader"], set_=row))
    rows = [{"id": id_, "first_seen_at": now} for id_ in last]
    if rows:
        connection.execute(insert(connection, readers).on_conflict_do_nothing(), rows)


def page(connection: Connection, after: str, count: int) -> list[UserRecord]:
    """`count` users by id, behind `after`."""
    return _found(connection, readers.c.id > after, count)


def get(connection: Connection, id_: str) -> UserRecord | None:
    """The user of an id, None if nothing is known of it."""
    return next(iter(_found(connection, readers.c.id == id_, 1)), None)


def _found(connection: Connection, which: sa.ColumnElement[bool], count: int) -> list[UserRecord]:
    u = user_records
    query = sa.select(readers.c.id, u.c.labels, u.c.comment).outerjoin(u, u.c.reader == readers.c.id)
    rows = connection.execute(query.where(which).order_by(readers.c.id).limit(count))
    return [UserRecord(id_, json.loads(labels or "null"), comment or "") for id_, labels, comment in rows]
