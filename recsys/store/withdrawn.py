"""Deleting articles. What readers did with one stays in the log; a deleted id may be published again."""

from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import articles, event_log
from recsys.store.tables import articles as articles_table
from recsys.store.tables import deleted_articles


@dataclass(frozen=True, slots=True)
class ArticleChanges:
    """Changes of the catalogue after a revision: rows (`frames.ARTICLES`), deleted ids, and the newest revision."""

    upserted: pl.DataFrame
    deleted: list[str]
    revision: int


def changes_since(connection: Connection, revision: int) -> ArticleChanges:
    """Return the articles stored, changed or deleted after `revision`; 0 gives the whole catalogue."""
    deleted, last_deleted = deleted_since(connection, revision)
    upserted, last_upserted = articles.changed_since(connection, revision)
    return ArticleChanges(upserted, deleted, max(last_deleted, last_upserted))


def delete_article(connection: Connection, id_: str) -> bool:
    """Delete an article; False if there is none of that id."""
    event_log.lock(connection)  # as for storing: a later revision is never visible first
    revision = articles.last_revision(connection) + 1
    gone = connection.execute(sa.delete(articles_table).where(articles_table.c.id == id_)).rowcount > 0
    if gone:
        connection.execute(sa.insert(deleted_articles).values(id=id_, revision=revision))
    return gone


def deleted_since(connection: Connection, revision: int) -> tuple[list[str], int]:
    """Ids deleted after `revision` and not published again, and the newest revision of them."""
    w = deleted_articles
    rows = connection.execute(sa.select(w.c.id, w.c.revision).where(w.c.revision > revision)).all()
    return sorted(row.id for row in rows), max((row.revision for row in rows), default=revision)
