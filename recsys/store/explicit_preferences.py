"""Explicit preferences of readers: the latest event of the log per reader and subject."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import PREFERENCE_KINDS, EventKind, Preferences
from recsys.store.tables import events

_MUTE_KINDS = (EventKind.MUTE, EventKind.UNMUTE)


@dataclass(frozen=True, slots=True)
class PreferenceEvent:
    """One follow, focus or mute of a topic or source, or its end; known_at: microseconds."""

    reader: str
    subject: str
    known_at: int
    id: str
    kind: EventKind

    @property
    def slot(self) -> tuple[str, bool]:
        """Key under which a later event replaces an earlier one, whatever the case. Muting has its own slots."""
        return self.subject.strip().casefold(), self.kind in _MUTE_KINDS


def preferences_of(latest: Iterable[PreferenceEvent]) -> Preferences:
    """Return the preferences that follow from the latest event per subject."""
    subjects = {EventKind.FOLLOW: set[str](), EventKind.FOCUS: set[str](), EventKind.MUTE: set[str]()}
    for event in latest:
        if event.kind in subjects:
            subjects[event.kind].add(event.subject)
    follow, focus, mute = (frozenset(found) for found in subjects.values())
    return Preferences(follow, focus, mute)


def load(connection: Connection, reader: str, before: int) -> Preferences:
    """Return the preferences of `reader` from events known `before` a time (microseconds).

    The last of follow, focus and unfollow of a subject holds, and the last of mute and unmute.
    """
    e = events
    # preference events have no article, so the index on (reader, article) finds them
    found = preference_events(connection, e.c.reader == reader, e.c.known_at < before)
    return preferences_of({event.slot: event for event in found}.values())


def preference_events(connection: Connection, *conditions: sa.ColumnElement[bool]) -> list[PreferenceEvent]:
    """Return preference events that match all `conditions`, in the order of `known_at`."""
    e = events
    query = sa.select(e.c.reader, e.c.subject, e.c.known_at, e.c.id, e.c.kind).where(
        e.c.article.is_(None), e.c.kind.in_(PREFERENCE_KINDS), *conditions
    )
    rows = connection.execute(query.order_by(e.c.known_at, e.c.id))
    return [PreferenceEvent(row.reader, row.subject, row.known_at, row.id, EventKind(row.kind)) for row in rows]
