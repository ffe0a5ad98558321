"""What a reader said of topics and sources: the newest word on each, of the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.store.tables import events

_MUTING = (EventKind.MUTE, EventKind.UNMUTE)


@dataclass(frozen=True, slots=True)
class PreferenceEvent:
    """A reader said something of a topic or source; known_at: microseconds."""

    reader: str
    subject: str
    known_at: int
    id: str
    kind: EventKind

    @property
    def about(self) -> tuple[str, bool]:
        """The later of two words about the same holds: muting is one thing, following and focusing another."""
        return self.subject, self.kind in _MUTING


@dataclass(frozen=True, slots=True)
class Preferences:
    """Topics (categories, subcategories) and sources a reader follows, wants most of all (focus), or has muted."""

    follow: frozenset[str] = frozenset()
    focus: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()

    @classmethod
    def of(cls, latest: Iterable[PreferenceEvent]) -> Self:
        """What follows from the last word on each subject."""
        said = {EventKind.FOLLOW: set[str](), EventKind.FOCUS: set[str](), EventKind.MUTE: set[str]()}
        for word in latest:
            if word.kind in said:
                said[word.kind].add(word.subject)
        return cls(*(frozenset(subjects) for subjects in said.values()))


def load(connection: Connection, reader: str, before: int) -> Preferences:
    """What held of `reader` by all that was known `before` that (microseconds).

    Of following, focusing and unfollowing a subject the last one holds, and likewise of muting and unmuting.
    """
    e = events
    # preference events have no article, so the index on (reader, article) finds them
    said = latest_events(connection, e.c.reader == reader, e.c.known_at < before)
    return Preferences.of({word.about: word for word in said}.values())


def latest_events(connection: Connection, *which: sa.ColumnElement[bool]) -> list[PreferenceEvent]:
    """All that readers ever said, or `which` of it, in the order in which it was known."""
    e = events
    query = sa.select(e.c.reader, e.c.subject, e.c.known_at, e.c.id, e.c.kind).where(
        e.c.article.is_(None), e.c.kind.in_(PREFERENCE_KINDS), *which
    )
    rows = connection.execute(query.order_by(e.c.known_at, e.c.id))
    return [PreferenceEvent(row.reader, row.subject, row.known_at, row.id, EventKind(row.kind)) for row in rows]
