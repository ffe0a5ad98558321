"""Explicit preferences of the readers of a process: every feed needs them, and the log is read only once."""

from collections.abc import Iterable, Sequence

from recsys.domain import PREFERENCE_KINDS, Event, Preferences
from recsys.state.shard import WHOLE, Shard
from recsys.store import explicit_preferences
from recsys.store.database import Database
from recsys.store.explicit_preferences import PreferenceEvent, preferences_of


class PreferenceCache:
    """Latest preference event per reader and subject: from the last `refresh` and later calls of `update`."""

    def __init__(self, database: Database, shard: Shard = WHOLE) -> None:
        self._database = database
        self._shard = shard
        self._latest: dict[str, dict[tuple[str, bool], PreferenceEvent]] = {}

    def refresh(self) -> None:
        """Read all preferences again: at the start, and when a reader may have been erased.

        Raises:
            StoreError: the database is unavailable; the cache does not change.
        """
        with self._database.read() as connection:
            events = explicit_preferences.preference_events(connection)
        self._latest = {}
        self._add(events)

    def update(self, events: Sequence[Event]) -> None:
        """Add events that were appended to the log."""
        self._add(
            PreferenceEvent(event.reader, event.subject, event.known_at, event.id, event.kind)
            for event in events
            if event.kind in PREFERENCE_KINDS and event.subject is not None
        )

    def of(self, reader: str, _before: int) -> Preferences:
        """Return the current preferences of `reader`."""
        return preferences_of(self._latest.get(reader, {}).values())

    def _add(self, events: Iterable[PreferenceEvent]) -> None:
        for event in events:
            if not self._shard.holds(event.reader):
                continue
            latest = self._latest.setdefault(event.reader, {})
            # events may arrive in any order: the one known last counts
            before = latest.get(event.slot)
            if before is None or (before.known_at, before.id) < (event.known_at, event.id):
                latest[event.slot] = event
