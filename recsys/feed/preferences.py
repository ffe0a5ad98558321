"""What a reader said of topics and sources, asked of the log."""

from recsys.store import explicit_preferences
from recsys.store.database import Database
from recsys.store.explicit_preferences import Preferences


def preferences_of(database: Database, reader: str, before: int) -> Preferences:
    """What held of `reader` by all that was known `before` that (microseconds).

    Raises:
        StoreError: the database cannot be reached.
    """
    with database.read() as connection:
        return explicit_preferences.load(connection, reader, before)
