"""Sources of articles on the web: when each is read next, and how the last reading went."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert
from recsys.store.tables import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """One source. Times are microseconds; `next_at` is None for a source that is gone, which is read no more.

    interval: seconds between readings. full_text: read the pages of articles whose feed has no text. etag,
    last_modified: of the last answer, for conditional requests. digest: hash of the last content. changed_at: the
    last reading with new content. failures: in a row; error: the last one. articles: rows stored or changed.
    """

    url: str
    interval: int
    next_at: int | None
    full_text: bool = False
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    checked_at: int | None = None
    changed_at: int | None = None
    failures: int = 0
    error: str | None = None
    articles: int = 0


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Number of sources by state, and the time of the last reading without an error (microseconds)."""

    working: int
    failing: int
    gone: int
    last_success: int | None


def add(connection: Connection, added: Sequence[FeedSource]) -> int:
    """Store new sources, and return their number; those with a known URL stay as they are."""
    if not added:
        return 0
    known = {source.url for source in get(connection, [source.url for source in added])}
    new = {source.url: source for source in added if source.url not in known}
    statement = insert(connection, sources).on_conflict_do_nothing(index_elements=["url"])
    if new:
        connection.execute(statement, [asdict(source) for source in new.values()])
    return len(new)


def save(connection: Connection, source: FeedSource) -> None:
    """Replace the source with its URL; one that was removed meanwhile stays removed."""
    connection.execute(sa.update(sources).where(sources.c.url == source.url).values(**asdict(source)))


def remove(connection: Connection, url: str) -> bool:
    """Forget a source; its articles stay. Return False if there is none with this URL."""
    return connection.execute(sa.delete(sources).where(sources.c.url == url)).rowcount > 0


def get(connection: Connection, urls: Sequence[str]) -> list[FeedSource]:
    """Return the sources among `urls`, by URL."""
    return _selected(connection, _columns().where(sources.c.url.in_(urls)).order_by(sources.c.url))


def due(connection: Connection, now: int, count: int) -> list[FeedSource]:
    """Return up to `count` sources to read at `now` (microseconds): those that wait longest first."""
    query = _columns().where(sources.c.next_at <= now).order_by(sources.c.next_at, sources.c.url)
    return _selected(connection, query.limit(count))


def all_sources(connection: Connection) -> list[FeedSource]:
    """Return every source, by URL."""
    return _selected(connection, _columns().order_by(sources.c.url))


def next_due(connection: Connection) -> int | None:
    """Return the time of the next reading (microseconds), None if there is none."""
    found: int | None = connection.execute(sa.select(sa.func.min(sources.c.next_at))).scalar_one()
    return found


def counts(connection: Connection) -> SourceCounts:
    """Count the sources by state."""
    s = sources.c
    gone, failing = s.next_at.is_(None), sa.and_(s.next_at.is_not(None), s.failures > 0)
    numbers = (sa.func.coalesce(sa.func.sum(sa.case((state, 1), else_=0)), 0) for state in (gone, failing))
    last = sa.func.max(sa.case((s.failures == 0, s.checked_at)))
    total, missing, failed, at = connection.execute(sa.select(sa.func.count(), *numbers, last)).one()
    return SourceCounts(int(total - missing - failed), int(failed), int(missing), at)


def _columns() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(sources.c[field.name] for field in fields(FeedSource)))


def _selected(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[FeedSource]:
    return [FeedSource(**row) for row in connection.execute(query).mappings()]
