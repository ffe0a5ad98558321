"""Deletion of articles. Events about a deleted article stay in the log, and its id may be published again."""

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
    """Delete an article. Return False if there is none with this id."""
    event_log.lock(connection)  # one writer at a time: a later revision must never become visible first
    revision = articles.last_revision(connection) + 1
    deleted = connection.execute(sa.delete(articles_table).where(articles_table.c.id == id_)).rowcount > 0
    if deleted:
        connection.execute(sa.insert(deleted_articles).values(id=id_, revision=revision))
    return deleted


def deleted_since(connection: Connection, revision: int) -> tuple[list[str], int]:
    """Return the ids deleted after `revision` and not published again, and the newest revision among them."""
    w = deleted_articles
    rows = connection.execute(sa.select(w.c.id, w.c.revision).where(w.c.revision > revision)).all()
    return sorted(row.id for row in rows), max((row.revision for row in rows), default=revision)
