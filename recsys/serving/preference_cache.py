"""What readers follow, focus on and have muted, in memory: every feed asks, and the log is read once."""

from collections.abc import Iterable, Sequence

from recsys.domain import PREFERENCE_KINDS, Event
from recsys.store import explicit_preferences
from recsys.store.database import Database
from recsys.store.explicit_preferences import PreferenceEvent, Preferences


class PreferenceCache:
    """The newest word of each reader on each topic or source: of the log at the last `refresh`, and told since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._latest: dict[str, dict[tuple[str, bool], PreferenceEvent]] = {}

    def refresh(self) -> None:
        """Read all of it anew: at the start, or when a reader may have been erased.

        Raises:
            StoreError: the database cannot be reached; what was known stays.
        """
        with self._database.read() as connection:
            words = explicit_preferences.latest_events(connection)
        self._latest = {}
        self._take(words)

    def update(self, events: Sequence[Event]) -> None:
        """Take in what was appended to the log."""
        self._take(
            PreferenceEvent(event.reader, event.subject, event.known_at, event.id, event.kind)
            for event in events
            if event.kind in PREFERENCE_KINDS and event.subject is not None
        )

    def of(self, reader: str, _before: int) -> Preferences:
        """What `reader` said."""
        return Preferences.of(self._latest.get(reader, {}).values())

    def _take(self, words: Iterable[PreferenceEvent]) -> None:
        for word in words:
            latest = self._latest.setdefault(word.reader, {})
            # words may come in any order: what was known last holds
            before = latest.get(word.about)
            if before is None or (before.known_at, before.id) < (word.known_at, word.id):
                latest[word.about] = word
