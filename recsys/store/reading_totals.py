"""Totals of reading in a part of the log: by article and by section. They name no reader.

They are computed from the rows in SQL: a start in the archived part of the log is refused.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import EventKind
from recsys.store import log_archive
from recsys.store.tables import articles, events
from recsys.store.traffic import read_seconds


@dataclass(frozen=True, slots=True)
class ArticleTotal:
    """An article. title, category: None if it is not stored. opened: clicks. read_seconds: each event capped."""

    id: str
    title: str | None
    category: str | None
    opened: int
    read_seconds: float


@dataclass(frozen=True, slots=True)
class SectionTotal:
    """All articles of a category; None: articles without one, or that are not stored."""

    category: str | None
    opened: int
    read_seconds: float


def top_articles(connection: Connection, start: int, end: int, most: int) -> list[ArticleTotal]:
    """Return the `most` articles that were opened most often, of rows with start ≤ known_at < end (microseconds).

    Articles that were opened equally often are in the order of the time of reading, then of their ids.
    """
    log_archive.require_in_sql(connection, start)
    opened, seconds = _opened(), read_seconds()
    each = (
        sa.select(events.c.article, opened.label("opened"), seconds.label("seconds"))
        .where(*_within(start, end))
        .group_by(events.c.article)
        .having(opened > 0)
        .order_by(sa.desc("opened"), sa.desc("seconds"), events.c.article)
        .limit(most)
    ).subquery()
    query = (
        sa.select(each.c.article, articles.c.title, articles.c.category, each.c.opened, each.c.seconds)
        .outerjoin(articles, articles.c.id == each.c.article)
        .order_by(each.c.opened.desc(), each.c.seconds.desc(), each.c.article)
    )
    return [ArticleTotal(*row) for row in connection.execute(query)]


def sections(connection: Connection, start: int, end: int) -> list[SectionTotal]:
    """Return totals of each category, most opened first, of rows with start ≤ known_at < end (microseconds)."""
    log_archive.require_in_sql(connection, start)
    opened, seconds = _opened(), read_seconds()
    query = (
        sa.select(articles.c.category, opened.label("opened"), seconds.label("seconds"))
        .select_from(events.outerjoin(articles, articles.c.id == events.c.article))
        .where(*_within(start, end))
        .group_by(articles.c.category)
        .order_by(sa.desc("opened"), sa.desc("seconds"), articles.c.category)
    )
    return [SectionTotal(*row) for row in connection.execute(query)]


def readers(connection: Connection, start: int, end: int) -> int:
    """Count the readers with an event on an article, of rows with start ≤ known_at < end (microseconds)."""
    log_archive.require_in_sql(connection, start)
    query = sa.select(sa.func.count(sa.distinct(events.c.reader))).where(*_within(start, end))
    return int(connection.execute(query).scalar_one())


def _opened() -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((events.c.kind == EventKind.CLICK, 1)))


def _within(start: int, end: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of rows on an article; impressions as events are no act of a reader."""
    e = events.c
    return e.known_at >= start, e.known_at < end, e.article.is_not(None), e.kind != EventKind.IMPRESSION
