"""What readers have muted, in memory: every feed asks, and the log is read once."""

from collections.abc import Iterable, Sequence

from recsys.domain import Event, EventKind
from recsys.store import preferences
from recsys.store.database import Database
from recsys.store.preferences import Muting

_MUTING = (EventKind.MUTE, EventKind.UNMUTE)


class Mutes:
    """Topics and sources muted, by reader: all that the log had at the last `refresh`, and what was told since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: dict[str, dict[str, tuple[int, str, bool]]] = {}

    def refresh(self) -> None:
        """Read all of it anew: at the start, or when a reader may have been erased.

        Raises:
            StoreError: the database cannot be reached; what was known stays.
        """
        with self._database.read() as connection:
            rows = preferences.muting(connection)
        self._said = {}
        self._take(rows)

    def hear(self, events: Sequence[Event]) -> None:
        """Take in what was appended to the log."""
        self._take(
            Muting(event.reader, event.subject, event.known_at, event.id, event.kind is EventKind.MUTE)
            for event in events
            if event.kind in _MUTING and event.subject is not None
        )

    def of(self, reader: str, _before: int) -> frozenset[str]:
        """What `reader` has muted."""
        return frozenset(subject for subject, (*_, muted) in self._said.get(reader, {}).items() if muted)

    def _take(self, rows: Iterable[Muting]) -> None:
        for row in rows:
            latest = self._said.setdefault(row.reader, {})
            # rows may come in any order: what was known last holds
            latest[row.subject] = max(latest.get(row.subject, (0, "", False)), (row.known_at, row.id, row.muted))
