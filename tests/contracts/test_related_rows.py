"""Stored rows that new rows of the log are compared with, on every database."""

import sqlalchemy as sa

from recsys.domain import DAY, Event, EventKind, Slate
from recsys.store import event_log, learning_pauses
from recsys.store.database import Database
from recsys.store.related_rows import RelatedRows, related_rows

CLICK = Event(id="e1", reader="ann", kind=EventKind.CLICK, article="a", at=DAY, known_at=DAY)
READ = Event(id="e2", reader="ben", kind=EventKind.READ, article="b", value=30.5, at=DAY, known_at=DAY)
MUTE = Event(id="e3", reader="ann", kind=EventKind.MUTE, subject="sport", at=DAY, known_at=DAY)
SLATE = Slate(id="s1", reader="cem", at=DAY, known_at=DAY, candidates=("a", "b"))


def fill(database: Database) -> None:
    with database.write() as connection:
        event_log.append_rows(connection, [CLICK, READ, MUTE], [SLATE], event_log.lock(connection))
        learning_pauses.pause(connection, "ben", DAY)


def test_each_kind_is_found_by_its_own_ids(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        found = related_rows(connection, readers=["ann", "ben", "new"], events=["e1", "e2", "e3"], slates=["s1"])
    assert found == RelatedRows(
        readers={"ann", "ben"},
        paused={"ben"},
        events={
            "e1": ("ann", "click", "a", None, None),
            "e2": ("ben", "read", "b", None, 30.5),
            "e3": ("ann", "mute", None, "sport", None),
        },
        shown={("s1", "cem")},
    )


def test_an_id_of_one_kind_finds_no_row_of_another(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        found = related_rows(connection, readers=["e1", "s1"], events=["s1", "ann"], slates=["e1", "cem"])
        assert found == related_rows(connection) == RelatedRows()


def test_a_reader_who_is_stored_keeps_the_first_time(database: Database) -> None:
    fill(database)
    later = Event(id="e9", reader="ann", kind=EventKind.CLICK, article="b", at=2 * DAY, known_at=2 * DAY)
    new = Event(id="e8", reader="new", kind=EventKind.CLICK, article="b", at=3 * DAY, known_at=3 * DAY)
    with database.write() as connection:
        event_log.append_rows(connection, [later, new], [], event_log.lock(connection))
    with database.read() as connection:
        rows = connection.execute(sa.text("SELECT id, first_seen_at FROM readers")).all()
    assert dict(map(tuple, rows)) == {"ann": DAY, "ben": DAY, "cem": DAY, "new": 3 * DAY}
