"""What readers have muted, in memory: for when the database is away."""

from recsys.store import preferences
from recsys.store.database import Database


class Mutes:
    """Topics and sources muted, by reader, as of the last `refresh`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: dict[str, dict[str, tuple[int, str, bool]]] = {}
        self._seq = 0
        self._outdated = False

    def refresh(self) -> None:
        """Read what was said since.

        Raises:
            StoreError: the database cannot be reached; what was known stays.
        """
        if self._outdated:
            self._said, self._seq, self._outdated = {}, 0, False
        with self._database.read() as connection:
            rows, seq = preferences.muting_since(connection, self._seq)
        for row in rows:
            latest = self._said.setdefault(row.reader, {})
            # an older log may be imported later: what was known last holds
            latest[row.subject] = max(latest.get(row.subject, (0, "", False)), (row.known_at, row.id, row.muted))
        self._seq = seq

    def forget(self) -> None:
        """Let the next `refresh` start anew: a reader may have been erased."""
        self._outdated = True  # another thread may be refreshing

    def of(self, reader: str, _before: int) -> frozenset[str]:
        """What `reader` has muted."""
        return frozenset(subject for subject, (*_, muted) in self._said.get(reader, {}).items() if muted)
