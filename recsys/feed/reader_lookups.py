"""Lookups about one reader in the log, for facts that the in-memory state does not have."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from recsys.domain import Preferences
from recsys.store import explicit_preferences, reader_rows
from recsys.store.database import Database


def _nothing_seen(_reader: str, _before: int) -> set[str]:
    return set()


def _no_preferences(_reader: str, _before: int) -> Preferences:
    return Preferences()


@dataclass(frozen=True, slots=True)
class ReaderLookups:
    """Two functions of (reader id, time in microseconds); only rows known before that time count.

    seen_articles: all ids that the reader clicked, read or hid; used when a history ring has overflowed.
    preferences: subjects that the reader follows, focuses on or muted.
    """

    seen_articles: Callable[[str, int], set[str]] = _nothing_seen
    preferences: Callable[[str, int], Preferences] = _no_preferences


def stored_lookups(database: Database) -> ReaderLookups:
    """Return lookups that read the log. They raise StoreError if the database is unavailable."""
    return ReaderLookups(partial(seen_articles, database), partial(_preferences, database))


def seen_articles(database: Database, reader: str, before: int) -> set[str]:
    """Return all articles that the reader clicked, read or hid, known before `before` (microseconds).

    Raises:
        StoreError: the database is unavailable.
    """
    with database.read() as connection:
        return reader_rows.seen_articles(connection, reader, before)


def _preferences(database: Database, reader: str, before: int) -> Preferences:
    with database.read() as connection:
        return explicit_preferences.load(connection, reader, before)
