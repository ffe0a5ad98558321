"""A reader's preferences ↔ events of the log."""

import uuid

from api.http.reader_schemas import PreferencesIn, PreferencesOut
from ingest.http_ingest import store_events
from recsys.domain import EventKind, Preferences
from recsys.errors import RequestError
from recsys.serving.feed_service import FeedService
from recsys.store import explicit_preferences as stored

_EVER = 2**63 - 1


def of(service: FeedService, reader: str) -> PreferencesOut:
    """What holds now."""
    return _out(_now(service, reader))


def replace(service: FeedService, reader: str, wanted: PreferencesIn) -> PreferencesOut:
    """Append what makes `wanted` hold; nothing if it does already.

    Raises:
        RequestError: the log does not take such an event.
    """
    clock = service.clock

    def write() -> None:
        rows = _changes(_now(service, reader), wanted)
        events = [{"id": uuid.uuid4().hex, "reader": reader, "kind": kind, "subject": s} for kind, s in rows]
        if events:
            received = store_events(service.database, events, clock.next(), clock.next)
            if received.rejected:
                raise RequestError(f"preferences were not stored: {received.rejected[0].reason}")

    service.store(write)
    return of(service, reader)


def _now(service: FeedService, reader: str) -> Preferences:
    with service.database.read() as connection:
        return stored.load(connection, reader, before=_EVER)


def _changes(old: Preferences, new: PreferencesIn) -> list[tuple[EventKind, str]]:
    """Kind and subject of the events that lead from one to the other."""
    follow, focus, mute = set(new.follow), set(new.focus), set(new.mute)
    kinds = (
        (EventKind.UNFOLLOW, (old.follow | old.focus) - follow - focus),
        (EventKind.UNMUTE, old.mute - mute),
        (EventKind.FOLLOW, follow - old.follow),
        (EventKind.FOCUS, focus - old.focus),
        (EventKind.MUTE, mute - old.mute),
    )
    return [(kind, subject) for kind, subjects in kinds for subject in sorted(subjects)]


def _out(preferences: Preferences) -> PreferencesOut:
    return PreferencesOut(
        follow=sorted(preferences.follow), focus=sorted(preferences.focus), mute=sorted(preferences.mute)
    )
