"""Use-cases of what readers choose: preferences, which result from events in the log, and pauses of learning."""

import uuid

from api.application.context import Application
from api.application.ingestion import append_events
from recsys.domain import EventKind, Preferences
from recsys.errors import RequestError
from recsys.store import explicit_preferences, learning_pauses

_NO_LIMIT = 2**63 - 1


def get_preferences(app: Application, reader: str) -> Preferences:
    """Return the current preferences of `reader`."""
    with app.database.read() as connection:
        return explicit_preferences.load(connection, reader, before=_NO_LIMIT)


def set_preferences(app: Application, reader: str, preferences: Preferences) -> Preferences:
    """Replace the preferences of `reader`, by appending the events that lead from the current ones to the new.

    Raises:
        RequestError: the log rejects an event.
    """

    def write() -> None:
        changes = _changes(get_preferences(app, reader), preferences)
        events = [{"id": uuid.uuid4().hex, "reader": reader, "kind": kind, "subject": s} for kind, s in changes]
        if events:
            received = append_events(app, events)
            if received.rejected:
                raise RequestError(f"preferences were not stored: {received.rejected[0].problem.reason}")

    app.between_answers(write)
    return get_preferences(app, reader)


def is_learning_paused(app: Application, reader: str) -> bool:
    """Return True if nothing is learned from what `reader` does now.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return bool(learning_pauses.paused_among(connection, [reader]))


def set_learning_paused(app: Application, reader: str, paused: bool) -> None:
    """Pause learning from `reader`, or resume it.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        if paused:
            learning_pauses.pause(connection, reader, app.clock.next())
        else:
            learning_pauses.resume(connection, reader)


def _changes(old: Preferences, new: Preferences) -> list[tuple[EventKind, str]]:
    """Return kind and subject of the events that lead from `old` to `new`."""
    kinds = (
        (EventKind.UNFOLLOW, old.wanted - new.wanted),
        (EventKind.UNMUTE, old.mute - new.mute),
        (EventKind.FOLLOW, new.follow - old.follow),
        (EventKind.FOCUS, new.focus - old.focus),
        (EventKind.MUTE, new.mute - old.mute),
    )
    return [(kind, subject) for kind, subjects in kinds for subject in sorted(subjects)]
