"""What a reader had longer ago than a history ring holds: asked of the log."""

from recsys.store import event_log
from recsys.store.database import Database


def seen_articles(database: Database, reader: str, before: int) -> set[str]:
    """All articles the reader clicked, read or hid, known `before` that (microseconds).

    Raises:
        StoreError: the database cannot be reached.
    """
    with database.read() as connection:
        return event_log.seen_articles(connection, reader, before)
