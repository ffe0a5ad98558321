"""Values in memory for answers without the database: summaries of articles, and preferences."""

from recsys.domain import Article, Event, EventKind
from recsys.frames import articles_frame, events_frame
from recsys.serving.article_cache import SUMMARY, ArticleCache
from recsys.serving.preference_cache import PreferenceCache
from recsys.store import erasure, event_log, event_log_reader, explicit_preferences
from recsys.store.database import Database
from recsys.store.explicit_preferences import Preferences
from tests.trained import world


def test_cards_tell_what_a_page_shows_of_articles_that_are_known() -> None:
    summaries, few = ArticleCache(), world().articles.head(5)
    summaries.put(few)
    ids = few["id"].to_list()[::-1]
    found = summaries.of([*ids[:2], "unknown", *ids[2:]])
    assert list(found) == ids
    assert list(found.values()) == few.select(SUMMARY).reverse().rows()
    summaries.put(articles_frame([Article(id=ids[0], title="Changed")]))
    summaries.drop([ids[1]])
    assert {id_: summary[SUMMARY.index("title")] for id_, summary in summaries.of(ids[:2]).items()} == {
        ids[0]: "Changed"
    }
    assert summaries.of([]) == {}


def stated(database: Database, *rows: tuple[str, str, EventKind, int]) -> None:
    events = [
        Event(id=f"{r}-{s}-{k}-{at}", reader=r, kind=k, at=at, known_at=at, subject=s) for r, s, k, at in rows
    ]
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(events), None)


def test_preferences_in_memory_agree_with_the_log(database: Database) -> None:
    stated_by = PreferenceCache(database)
    stated_by.refresh()
    assert stated_by.of("r", 0) == Preferences()
    stated(
        database,
        ("r", "sport", EventKind.MUTE, 10),
        ("r", "world", EventKind.MUTE, 11),
        ("q", "x", EventKind.MUTE, 12),
    )
    stated_by.refresh()
    stated(database, ("r", "sport", EventKind.UNMUTE, 20), ("r", "local", EventKind.FOLLOW, 21))
    stated(database, ("r", "world", EventKind.UNMUTE, 5))  # an older log, imported later
    with database.read() as connection:
        stated_by.update(event_log_reader.tail(connection, 3).events)
    assert stated_by.of("r", 0) == Preferences(follow=frozenset({"local"}), mute=frozenset({"world"}))
    with database.read() as connection:
        assert explicit_preferences.load(connection, "r", 100) == stated_by.of("r", 0)
    read_anew = PreferenceCache(database)
    read_anew.refresh()
    assert [read_anew.of(reader, 0) for reader in "qr"] == [stated_by.of(reader, 0) for reader in "qr"]


def test_erased_readers_are_forgotten_when_the_log_is_read_again(sqlite_database: Database) -> None:
    stated_by = PreferenceCache(sqlite_database)
    stated(sqlite_database, ("r", "sport", EventKind.MUTE, 10))
    stated_by.refresh()
    with sqlite_database.write() as connection:
        erasure.erase(connection, "r", 20)
    assert stated_by.of("r", 0).mute == {"sport"}
    stated_by.refresh()
    assert stated_by.of("r", 0) == Preferences()
