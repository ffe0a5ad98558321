"""Explicit preferences: the newest preference event of a reader on each topic and source."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.store.tables import events

_MUTE_KINDS = (EventKind.MUTE, EventKind.UNMUTE)


@dataclass(frozen=True, slots=True)
class PreferenceEvent:
    """Preference event of a reader on a topic or source; known_at: microseconds."""

    reader: str
    subject: str
    known_at: int
    id: str
    kind: EventKind

    @property
    def about(self) -> tuple[str, bool]:
        """Return the key within which the latest event wins: muting is separate from following and focusing."""
        return self.subject, self.kind in _MUTE_KINDS


@dataclass(frozen=True, slots=True)
class Preferences:
    """Topics (categories, subcategories) and sources that a reader follows, prefers most (focus) or has muted."""

    follow: frozenset[str] = frozenset()
    focus: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()

    @classmethod
    def of(cls, latest: Iterable[PreferenceEvent]) -> Self:
        """Build preferences from the latest event on each subject."""
        subjects_by_kind = {EventKind.FOLLOW: set[str](), EventKind.FOCUS: set[str](), EventKind.MUTE: set[str]()}
        for event in latest:
            if event.kind in subjects_by_kind:
                subjects_by_kind[event.kind].add(event.subject)
        return cls(*(frozenset(subjects) for subjects in subjects_by_kind.values()))


def load(connection: Connection, reader: str, before: int) -> Preferences:
    """Return the preferences of `reader` by all events with a receipt time before `before` (microseconds).

    The last follow, focus or unfollow of a subject counts, and likewise the last mute or unmute.
    """
    e = events
    # preference events have no article, so the index on (reader, article) finds them
    stated = latest_events(connection, e.c.reader == reader, e.c.known_at < before)
    return Preferences.of({event.about: event for event in stated}.values())


def latest_events(connection: Connection, *which: sa.ColumnElement[bool]) -> list[PreferenceEvent]:
    """Return all preference events that meet the conditions `which`, in the order of their receipt."""
    e = events
    query = sa.select(e.c.reader, e.c.subject, e.c.known_at, e.c.id, e.c.kind).where(
        e.c.article.is_(None), e.c.kind.in_(PREFERENCE_KINDS), *which
    )
    rows = connection.execute(query.order_by(e.c.known_at, e.c.id))
    return [PreferenceEvent(row.reader, row.subject, row.known_at, row.id, EventKind(row.kind)) for row in rows]
