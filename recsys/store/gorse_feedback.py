"""Events of articles, told the way Gorse does: by (type, reader, article), repeated acts in one row.

Events that came as feedback carry their type in their id; of all others the kind is the type.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import erasure
from recsys.store.database import without_timeout
from recsys.store.tables import Id, events, impressions

_MARK = "gorse:"
_DIGEST = 32
_WRITE_BACK = "write-back:"


@dataclass(frozen=True, slots=True)
class FeedbackKey:
    """What a row of feedback is about; in a filter None stands for any."""

    reader: str | None = None
    article: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """All acts of one type: the newest time (microseconds), the sum of the values."""

    reader: str
    article: str
    type: str
    at: int
    value: float


def event_id(digest: str, type_: str) -> str:
    """Id of an event that came as feedback. digest: 32 hex digits."""
    return f"{_MARK}{digest}:{type_}"


def listed(connection: Connection, which: FeedbackKey, after: FeedbackKey | None, count: int) -> list[Feedback]:
    """`count` rows by (reader, article, type), behind `after`."""
    e, type_ = events, _type()
    place = (e.c.reader, e.c.article, type_)
    query = sa.select(*place, sa.func.max(e.c.at), sa.func.sum(sa.func.coalesce(e.c.value, 0.0)))
    query = query.where(*_conditions(which)).group_by(*place).order_by(*place).limit(count)
    if after is not None:
        # the first condition is what an index can use
        query = query.where(
            e.c.reader >= after.reader, sa.tuple_(*place) > (after.reader, after.article, after.type)
        )
    with without_timeout(connection):  # of a rare type much is read to find little
        return [Feedback(*row) for row in connection.execute(query)]


def retract(connection: Connection, which: list[FeedbackKey], keep: list[str]) -> int:
    """Delete the events that are about one of `which`, but for ids in `keep`; returns how many that were.

    It is an entry of the log, as an erasure is, so whoever follows it folds its state anew without them.
    """
    gone = 0
    with without_timeout(connection):
        for key in which:
            wanted = [*_conditions(key), events.c.id.not_in(keep)]
            gone += connection.execute(sa.delete(events).where(*wanted)).rowcount
    if gone:
        erasure.append_erasure(connection, erasure.SYSTEM_READER, time.time_ns() // 1_000, {events.name: gone})
    return gone


def write_back(type_: str, delay: float) -> str:
    """Session of a slate whose articles count as had by its reader, `delay` seconds after it was shown."""
    return f"{_WRITE_BACK}{type_}:{delay}"


def written_back(connection: Connection, reader: str, now: int) -> set[str]:
    """Articles of `reader` that were written back and whose delay is over; `now` in microseconds."""
    i = impressions
    query = sa.select(i.c.candidates, i.c.session, i.c.at)
    query = query.where(i.c.reader == reader, i.c.session.startswith(_WRITE_BACK, autoescape=True))
    found: set[str] = set()
    for candidates, session, at in connection.execute(query):
        if at + float(session.rpartition(":")[2]) * 1e6 <= now:
            found |= set(json.loads(candidates))
    return found


def last_shown(connection: Connection, reader: str, since: int, count: int) -> list[str]:
    """The `count` articles that stood in the reader's slates last, newest first; `since`: microseconds."""
    i = impressions
    query = sa.select(i.c.candidates).where(i.c.reader == reader, i.c.at >= since)
    found: dict[str, None] = {}
    for candidates in connection.execute(query.order_by(i.c.seq.desc()).limit(count)).scalars():
        found |= dict.fromkeys(json.loads(candidates))
        if len(found) >= count:
            break
    return list(found)[:count]


def _type() -> sa.ColumnElement[str]:
    ours = events.c.id.startswith(_MARK, autoescape=True)
    return sa.case((ours, sa.func.substr(events.c.id, len(_MARK) + _DIGEST + 2)), else_=sa.cast(events.c.kind, Id))


def _conditions(which: FeedbackKey) -> list[sa.ColumnElement[Any]]:
    asked = [
        (events.c.reader, which.reader),
        (events.c.article, which.article),
        (_type(), which.type),
    ]
    return [events.c.article.is_not(None), *(column == value for column, value in asked if value is not None)]
