"""Feed cursors: the unshown part of a feed's ranking, stored until it expires."""

from dataclasses import dataclass, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.database import without_timeout
from recsys.store.tables import feed_pages


@dataclass(frozen=True, slots=True)
class StoredPage:
    """Starting point of the next page of a feed. request, rest: JSON; expires_at: microseconds."""

    cursor: str
    reader: str
    expires_at: int
    request: str
    rest: str


_INSERT = sa.insert(feed_pages)


def save(connection: Connection, page: StoredPage) -> None:
    """Store a page until it expires."""
    connection.execute(_INSERT, {field.name: getattr(page, field.name) for field in fields(page)})


def load(connection: Connection, cursor: str, reader: str, now: int) -> StoredPage | None:
    """Return the page of `cursor` if it belongs to this reader and has not expired."""
    p = feed_pages
    query = sa.select(p.c.cursor, p.c.reader, p.c.expires_at, p.c.request, p.c.rest)
    row = connection.execute(query.where(p.c.cursor == cursor, p.c.reader == reader, p.c.expires_at > now)).first()
    return None if row is None else StoredPage(*row)


def sweep(connection: Connection, now: int) -> int:
    """Delete the expired pages, and return their number."""
    with without_timeout(connection):  # after an idle night many may have expired
        return connection.execute(sa.delete(feed_pages).where(feed_pages.c.expires_at <= now)).rowcount
