"""Totals of reading by article and section, on every database."""

import polars as pl

from recsys.domain import DAY, Event, EventKind
from recsys.frames import events_frame, slates_frame
from recsys.store import articles, event_log, reading_totals
from recsys.store.database import Database
from recsys.store.reading_totals import ArticleTotal, SectionTotal


def rows() -> list[Event]:
    made = [
        ("a", "r1", EventKind.CLICK, None, DAY),
        ("a", "r2", EventKind.CLICK, None, DAY + 1),
        ("a", "r1", EventKind.READ, 90.0, DAY + 2),
        ("a", "r1", EventKind.READ, 5_000.0, DAY + 3),  # a tab left open
        ("b", "r1", EventKind.CLICK, None, DAY + 4),
        ("gone", "r1", EventKind.CLICK, None, DAY + 5),
        ("gone", "r1", EventKind.READ, 30.0, DAY + 6),
        ("c", "r3", EventKind.READ, 12.0, DAY + 7),  # its click was before
        ("b", "r3", EventKind.CLICK, None, DAY - 1),
        ("b", "r4", EventKind.CLICK, None, 2 * DAY),
        ("b", "r5", EventKind.IMPRESSION, None, DAY + 8),
    ]
    return [
        Event(id=f"e{i}", reader=reader, kind=kind, at=at, known_at=at, article=article, value=value)
        for i, (article, reader, kind, value, at) in enumerate(made)
    ]


def test_totals_are_of_the_rows_between_two_times(database: Database) -> None:
    stored = [
        {"id": "a", "title": "Tram", "category": "local"},
        {"id": "b", "title": "Cup", "category": "sport"},
        {"id": "c", "title": "Bus", "category": "local"},
    ]
    with database.write() as connection:
        articles.upsert(connection, pl.DataFrame(stored))
        event_log.append_frames(connection, events_frame(rows()), slates_frame([]))
    with database.read() as connection:
        assert reading_totals.top_articles(connection, DAY, 2 * DAY, most=10) == [
            ArticleTotal("a", "Tram", "local", 2, 690.0),
            ArticleTotal("gone", None, None, 1, 30.0),
            ArticleTotal("b", "Cup", "sport", 1, 0.0),
        ]
        assert [each.id for each in reading_totals.top_articles(connection, DAY, 2 * DAY, most=1)] == ["a"]
        assert reading_totals.sections(connection, DAY, 2 * DAY) == [
            SectionTotal("local", 2, 702.0),
            SectionTotal(None, 1, 30.0),
            SectionTotal("sport", 1, 0.0),
        ]
        assert reading_totals.readers(connection, DAY, 2 * DAY) == 3
        assert reading_totals.top_articles(connection, 5 * DAY, 6 * DAY, most=10) == []
