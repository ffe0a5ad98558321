"""Use-cases for sources of articles on the web: add, read once, keep reading."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from api.application.context import Application
from ingest.rolling_rejects import RollingRejects
from ingest.web.feed_documents import read_document
from ingest.web.full_text import require_extractor
from ingest.web.safe_fetch import DEFAULT_LIMITS, GZIP_MARK, Fetcher, Limits, checked_address, inflated
from ingest.web.source_polling import Polled, SourcePoller, add_sources
from ingest.web.web_addresses import is_public
from recsys.domain import MINUTE, SECOND
from recsys.errors import DataError, StoreUnavailableError
from recsys.store import feed_sources
from recsys.store.feed_sources import FeedSource

_ROUND = 100
"""Sources read in one round, before others that became due."""

_LONGEST_SLEEP = 30.0
"""Seconds after which sources that were added meanwhile are noticed."""

_LIST_DEPTH = 4
"""Lists may list further lists: an index of sitemaps, the page of a site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """Options of new sources. interval: seconds. full_text: read pages for texts that feeds lack."""

    interval: int = 15 * MINUTE // SECOND
    full_text: bool = False
    allow_private: bool = False
    limits: Limits = DEFAULT_LIMITS


def feed_rejects(app: Application) -> Path:
    """Return the folder of rejected entries."""
    return app.settings.home / "rejects" / "feeds"


def source_poller(app: Application, options: FeedOptions) -> SourcePoller:
    """Return the reader of the sources of an application."""
    if options.full_text:
        require_extractor()
    allowed = (lambda _: True) if options.allow_private else is_public
    fetcher = Fetcher(app.settings.user_agent, allowed=allowed, limits=options.limits)
    return SourcePoller(app.database, fetcher, RollingRejects(feed_rejects(app)), app.clock.next)


def ingest_feeds(app: Application, inputs: Sequence[str], options: FeedOptions) -> list[Polled]:
    """Read feeds, sitemaps and lists from addresses or files, and keep the addresses as sources.

    An address that is new and cannot be read is not kept.

    Raises:
        ConfigError: trafilatura is not installed, or rejected entries cannot be written.
        DataError: an address is not allowed, or a file cannot be read.
        StoreError: the database is unavailable.
    """
    urls = [str(checked_address(each.strip())) for each in inputs if _is_address(each)]
    files = [(path, _file_content(path)) for path in map(Path, (each for each in inputs if not _is_address(each)))]
    poller = source_poller(app, options)
    found: list[Polled] = []
    for path, content in files:
        source = FeedSource(url=path.name, interval=options.interval, next_at=None, full_text=options.full_text)
        try:
            found.append(poller.store(read_document(_plain(content)), source, keep=False))
        except DataError as error:
            found.append(Polled(path.name, str(error)))
    new = _keep(app, urls, options)
    found += asyncio.run(_read_with_lists(app, poller, [*urls, *(url for each in found for url in each.listed)]))
    failed = [each.url for each in found if each.error is not None and each.url in new]
    with app.database.write() as connection:
        for url in failed:
            feed_sources.remove(connection, url)
    app.articles_changed()
    return found


def _is_address(given: str) -> bool:
    return "://" in given


def _file_content(path: Path) -> bytes:
    most = DEFAULT_LIMITS.most_bytes
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the path") from error
    if len(content) > most:
        raise DataError(f"{path} is larger than {most / 1_024**2:g} MiB; split it")
    return content


def _plain(content: bytes) -> bytes:
    return inflated(content, DEFAULT_LIMITS.most_bytes) if content.startswith(GZIP_MARK) else content


def _keep(app: Application, urls: Sequence[str], options: FeedOptions) -> set[str]:
    """Store sources, or give known ones the new options; return the URLs that are new."""
    now = app.clock.next()
    like = FeedSource(url="", interval=options.interval, next_at=now, full_text=options.full_text)
    with app.database.write() as connection:
        known = feed_sources.get(connection, urls)
        add_sources(connection, urls, like, now)
        for source in known:
            changed = replace(source, interval=options.interval, full_text=options.full_text, next_at=now)
            if options.full_text and not source.full_text:  # read it again, although it has not changed
                changed = replace(changed, etag=None, last_modified=None, digest=None)
            feed_sources.save(connection, changed)
    return set(urls) - {source.url for source in known}


async def _read_with_lists(app: Application, poller: SourcePoller, urls: Sequence[str]) -> list[Polled]:
    found: list[Polled] = []
    waiting, seen = list(dict.fromkeys(urls)), set[str]()
    for _ in range(_LIST_DEPTH):
        seen.update(waiting)
        with app.database.read() as connection:
            sources = feed_sources.get(connection, waiting)
        polled = await poller.poll(sources)
        found += polled
        waiting = list(dict.fromkeys(url for each in polled for url in each.listed if url not in seen))
    return found


async def poll_due(app: Application, poller: SourcePoller) -> list[Polled]:
    """Read the sources that are due, up to a round of them.

    Raises:
        ConfigError: rejected entries cannot be written.
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        sources = feed_sources.due(connection, app.clock.next(), _ROUND)
    polled = await poller.poll(sources)
    if sources:
        app.articles_changed()
    return polled


async def keep_polling(
    app: Application, poller: SourcePoller, stop: asyncio.Event, report: Callable[[list[Polled]], None]
) -> None:
    """Read each source when it is due, until `stop`; a round in progress is broken off at its next request.

    While the database is unavailable, it waits.

    Raises:
        ConfigError: rejected entries cannot be written.
    """
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        round_ = asyncio.create_task(poll_due(app, poller))
        await asyncio.wait({round_, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not round_.done():
            round_.cancel()
            await asyncio.wait({round_})
            return
        try:
            report(round_.result())
            seconds = _seconds_until_due(app)
        except StoreUnavailableError as error:
            report([Polled("database", str(error))])
            seconds = _LONGEST_SLEEP
        await asyncio.wait({stopped}, timeout=seconds)


def _seconds_until_due(app: Application) -> float:
    with app.database.read() as connection:
        at = feed_sources.next_due(connection)
    wait = _LONGEST_SLEEP if at is None else (at - app.clock.next()) / SECOND
    return min(max(wait, 0.2), _LONGEST_SLEEP)


def list_sources(app: Application) -> list[FeedSource]:
    """Return every source, by URL.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return feed_sources.all_sources(connection)


def remove_source(app: Application, url: str) -> bool:
    """Forget a source; its articles stay. Return False if there is none with this URL.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        return feed_sources.remove(connection, url)
