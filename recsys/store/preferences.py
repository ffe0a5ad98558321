"""What a reader said of topics and sources: the newest word on each, of the log."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.store.tables import events

_MUTING = (EventKind.MUTE, EventKind.UNMUTE)


@dataclass(frozen=True, slots=True)
class Preferences:
    """Topics (categories, subcategories) and sources a reader follows, wants most of all (focus), or has muted."""

    follow: frozenset[str] = frozenset()
    focus: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Muting:
    """A reader muted a subject, or did so no more; known_at: microseconds."""

    reader: str
    subject: str
    known_at: int
    id: str
    muted: bool


def of(connection: Connection, reader: str, before: int) -> Preferences:
    """What held of `reader` by all that was known `before` that (microseconds).

    Of following, focusing and unfollowing a subject the last one holds, and likewise of muting and unmuting.
    """
    e = events
    # preference events have no article, so the index on (reader, article) finds them
    query = sa.select(e.c.kind, e.c.subject).where(
        e.c.reader == reader, e.c.article.is_(None), e.c.kind.in_(PREFERENCE_KINDS), e.c.known_at < before
    )
    interest: dict[str, str] = {}
    muting: dict[str, str] = {}
    for kind, subject in connection.execute(query.order_by(e.c.known_at, e.c.id)):
        (muting if kind in _MUTING else interest)[subject] = kind
    return Preferences(
        follow=_with(interest, EventKind.FOLLOW),
        focus=_with(interest, EventKind.FOCUS),
        mute=_with(muting, EventKind.MUTE),
    )


def muting(connection: Connection) -> list[Muting]:
    """What any reader ever said of muting."""
    e = events
    query = sa.select(e.c.reader, e.c.subject, e.c.known_at, e.c.id, e.c.kind).where(
        e.c.article.is_(None), e.c.kind.in_(_MUTING)
    )
    rows = connection.execute(query)
    return [Muting(row.reader, row.subject, row.known_at, row.id, row.kind == EventKind.MUTE) for row in rows]


def _with(latest: dict[str, str], kind: EventKind) -> frozenset[str]:
    return frozenset(subject for subject, last in latest.items() if last == kind)
