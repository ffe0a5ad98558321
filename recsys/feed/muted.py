"""What a reader does not want to see: topics and sources, asked of the log."""

from recsys.store import preferences
from recsys.store.database import Database


def muted(database: Database, reader: str, before: int) -> frozenset[str]:
    """Categories, subcategories and sources that the reader has muted, known `before` that (microseconds).

    Raises:
        StoreError: the database cannot be reached.
    """
    with database.read() as connection:
        return preferences.of(connection, reader, before).mute
