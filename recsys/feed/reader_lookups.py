"""Lookups about one reader that the in-memory state cannot answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from recsys.domain import Preferences
from recsys.store import event_log, explicit_preferences
from recsys.store.database import Database


def _nothing_seen(_reader: str, _before: int) -> set[str]:
    return set()


def _no_preferences(_reader: str, _before: int) -> Preferences:
    return Preferences()


@dataclass(frozen=True, slots=True)
class ReaderLookups:
    """Two functions of (reader id, time in microseconds); what was known before that time counts.

    seen_articles: all ids the reader clicked, read or hid; used when a history ring has overflowed. preferences:
    what the reader follows, focuses on and has muted.
    """

    seen_articles: Callable[[str, int], set[str]] = _nothing_seen
    preferences: Callable[[str, int], Preferences] = _no_preferences


def stored_lookups(database: Database) -> ReaderLookups:
    """Return lookups that read the log. They raise StoreError if the database cannot be reached."""
    return ReaderLookups(partial(seen_articles, database), partial(_preferences, database))


def seen_articles(database: Database, reader: str, before: int) -> set[str]:
    """Return all articles the reader clicked, read or hid, known `before` that (microseconds).

    Raises:
        StoreError: the database cannot be reached.
    """
    with database.read() as connection:
        return event_log.seen_articles(connection, reader, before)


def _preferences(database: Database, reader: str, before: int) -> Preferences:
    with database.read() as connection:
        return explicit_preferences.load(connection, reader, before)
