"""Article events in Gorse's form: one row per (type, reader, article), repeated events merged.

An event that arrived as feedback carries its type in its id; for every other event the kind is the type.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.constants import GORSE_EVENT_PREFIX, WRITE_BACK_PREFIX
from recsys.store import erasure
from recsys.store.database import without_timeout
from recsys.store.tables import Id, events, impressions

_DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class FeedbackKey:
    """Key of a row of feedback; in a filter None matches any value."""

    reader: str | None = None
    article: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """All events of one key: the newest time (microseconds) and the sum of the values."""

    reader: str
    article: str
    type: str
    at: int
    value: float


def event_id(digest: str, type_: str) -> str:
    """Return the id of an event that arrived as feedback. digest: 32 hex digits."""
    return f"{GORSE_EVENT_PREFIX}{digest}:{type_}"


def list_feedback(
    connection: Connection, which: FeedbackKey, after: FeedbackKey | None, count: int
) -> list[Feedback]:
    """Return the next `count` rows after `after`, sorted by (reader, article, type)."""
    e, type_ = events, _type()
    place = (e.c.reader, e.c.article, type_)
    query = sa.select(*place, sa.func.max(e.c.at), sa.func.sum(sa.func.coalesce(e.c.value, 0.0)))
    query = query.where(*_conditions(which)).group_by(*place).order_by(*place).limit(count)
    if after is not None:
        # the first condition is for the index
        query = query.where(
            e.c.reader >= after.reader, sa.tuple_(*place) > (after.reader, after.article, after.type)
        )
    with without_timeout(connection):  # a rare type needs a long scan
        return [Feedback(*row) for row in connection.execute(query)]


def delete_events(connection: Connection, which: list[FeedbackKey], keep: list[str]) -> int:
    """Delete the events that match one of `which`, except ids in `keep`, and return their number.

    The deletion is logged as an erasure is, so every process that follows the log folds its state again.
    """
    deleted = 0
    with without_timeout(connection):
        for key in which:
            matching = [*_conditions(key), events.c.id.not_in(keep)]
            deleted += connection.execute(sa.delete(events).where(*matching)).rowcount
    if deleted:
        erasure.append_erasure(connection, erasure.SYSTEM_READER, time.time_ns() // 1_000, {events.name: deleted})
    return deleted


def write_back(type_: str, delay: float) -> str:
    """Return the session value of a slate whose articles count as read `delay` seconds after it was shown."""
    return f"{WRITE_BACK_PREFIX}{type_}:{delay}"


def write_back_articles(connection: Connection, reader: str, now: int) -> set[str]:
    """Return the articles of `reader` that were written back and whose delay is over; `now` in microseconds."""
    i = impressions
    query = sa.select(i.c.candidates, i.c.session, i.c.at)
    query = query.where(i.c.reader == reader, i.c.session.startswith(WRITE_BACK_PREFIX, autoescape=True))
    found: set[str] = set()
    for candidates, session, at in connection.execute(query):
        if at + float(session.rpartition(":")[2]) * 1e6 <= now:
            found |= set(json.loads(candidates))
    return found


def last_shown(connection: Connection, reader: str, since: int, count: int) -> list[str]:
    """Return the last `count` articles shown to the reader, newest first; `since`: microseconds."""
    i = impressions
    query = sa.select(i.c.candidates).where(i.c.reader == reader, i.c.at >= since)
    found: dict[str, None] = {}
    for candidates in connection.execute(query.order_by(i.c.seq.desc()).limit(count)).scalars():
        found |= dict.fromkeys(json.loads(candidates))
        if len(found) >= count:
            break
    return list(found)[:count]


def _type() -> sa.ColumnElement[str]:
    from_feedback = events.c.id.startswith(GORSE_EVENT_PREFIX, autoescape=True)
    return sa.case(
        (from_feedback, sa.func.substr(events.c.id, len(GORSE_EVENT_PREFIX) + _DIGEST_LENGTH + 2)),
        else_=sa.cast(events.c.kind, Id),
    )


def _conditions(which: FeedbackKey) -> list[sa.ColumnElement[Any]]:
    filters = [
        (events.c.reader, which.reader),
        (events.c.article, which.article),
        (_type(), which.type),
    ]
    return [events.c.article.is_not(None), *(column == value for column, value in filters if value is not None)]
