"""Reading of sources: request → document → articles in the store, each source with its own schedule and errors.

The articles of a source and its state are committed together, so a killed poll reads at most one document again.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from ingest import generic_schema, validate, writer
from ingest.http_ingest import with_dates
from ingest.raw_batch import RAW_EVENTS, RAW_SLATES
from ingest.rolling_rejects import RollingRejects
from ingest.web.feed_documents import Document, read_document
from ingest.web.full_text import page_text
from ingest.web.safe_fetch import Fetcher, FetchError, Page
from recsys.domain import DAY, SECOND
from recsys.errors import DataError
from recsys.frames import empty
from recsys.store import articles as article_store
from recsys.store import feed_sources, withdrawals
from recsys.store.database import Connection, Database
from recsys.store.feed_sources import FeedSource

LONGEST_WAIT = DAY
"""Largest back-off of a failing source, in microseconds."""

MOST_SOURCES = 10_000
_AT_ONCE = 8
_PAGES_PER_READING = 20
"""Pages that one reading of a source may request for full texts; the next readings take the rest."""

_GONE = 410
_ERROR_CHARS = 500


@dataclass(frozen=True, slots=True)
class Polled:
    """Outcome of one reading. counts: rows as `ingest.writer.Outcome` counts them, and ``articles.read``.

    error: None if it went well. unchanged: there was nothing new. listed: sources that the document lists.
    withdrawn: number of articles that it declares deleted.
    """

    url: str
    error: str | None = None
    unchanged: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    listed: Sequence[str] = ()
    withdrawn: int = 0


def wait_after_failure(interval: int, failures: int, retry_seconds: float | None = None) -> int:
    """Return the wait after the n-th failure in a row, in microseconds: it doubles with each, up to a day.

    interval: seconds. retry_seconds: the shortest wait that the server wants.
    """
    doubled = interval * SECOND << min(failures, 20)
    wanted = int((retry_seconds or 0.0) * SECOND)
    return min(max(doubled, wanted), max(LONGEST_WAIT, interval * SECOND))


class SourcePoller:
    """Reader of sources into one database.

    Args:
        database: database of articles and sources.
        fetcher: reader of pages.
        rejects: where rejected entries go.
        now: clock, microseconds.
    """

    def __init__(
        self, database: Database, fetcher: Fetcher, rejects: RollingRejects, now: Callable[[], int]
    ) -> None:
        self._database, self._fetcher, self._rejects, self._now = database, fetcher, rejects, now

    async def poll(self, sources: Sequence[FeedSource]) -> list[Polled]:
        """Read sources, a few at once; one that fails costs only itself.

        Raises:
            ConfigError: rejected entries cannot be written, or trafilatura is not installed.
            StoreError: the database is unavailable.
        """
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(source: FeedSource) -> Polled:
            async with free:
                return await self._read(source)

        found = await asyncio.gather(*map(one, sources), return_exceptions=True)
        failures = [each for each in found if isinstance(each, BaseException)]
        if failures:  # all have ended: none is left running
            raise failures[0]
        return [each for each in found if isinstance(each, Polled)]

    async def _read(self, source: FeedSource) -> Polled:
        try:
            page = await self._fetcher.get(source.url, source.etag, source.last_modified)
            digest = hashlib.blake2b(page.content, digest_size=16).hexdigest()
            if page.unchanged or digest == source.digest:
                return await asyncio.to_thread(self._unchanged, source, page)
            document = await asyncio.to_thread(read_document, page.content, page.url, page.content_type)
            changed = replace(source, etag=page.etag, last_modified=page.last_modified, digest=digest)
            if source.full_text:
                document, more = await self._with_pages(document)
                if more:  # the next reading must not find the document unchanged
                    changed = replace(source, etag=None, last_modified=None, digest=None)
            return await asyncio.to_thread(self.store, document, changed)
        except DataError as error:
            return await asyncio.to_thread(self._failed, source, error)

    def store(self, document: Document, source: FeedSource, keep: bool = True) -> Polled:
        """Store the articles of a document, and the sources that it lists.

        keep: store the state of its source, too; False for a file, which is not read again.

        Raises:
            ConfigError: rejected entries cannot be written.
            DataError: there are too many sources.
            StoreError: the database is unavailable.
        """
        now = self._now()
        file = source.url[:_ERROR_CHARS]
        places = pl.DataFrame({"row": range(1, len(document.articles) + 1)}, schema={"row": pl.Int64})
        places = places.with_columns(file=pl.lit(file), raw=pl.lit(None, dtype=pl.String))
        raw = generic_schema.from_rows(document.articles, places, "articles")
        checked = validate.articles(_published(raw.rows, now), now)
        with self._database.write() as connection:
            dated = with_dates(connection, checked.good, now)
            outcome = writer.store(connection, dated, empty(RAW_EVENTS), empty(RAW_SLATES))
            outcome.add_rejects(checked.rejects)
            outcome.add_lost(raw.lost)
            outcome.counts["articles.read"] += len(document.articles)
            withdrawn = withdrawals.withdraw(connection, document.deleted)
            listed = [url for url in document.sources if url != source.url]
            if listed:
                add_sources(connection, listed, source, now)
            if keep:
                new = outcome.counts["articles.stored"] + outcome.counts["articles.updated"]
                done = replace(_succeeded(source, now), changed_at=now, articles=source.articles + new)
                feed_sources.save(connection, done)
        if not outcome.rejects.is_empty():
            self._rejects.add(outcome.rejects.to_dicts())
        return Polled(source.url, None, False, outcome.counts, document.sources, len(withdrawn))

    def _unchanged(self, source: FeedSource, page: Page) -> Polled:
        etag, modified = page.etag or source.etag, page.last_modified or source.last_modified
        with self._database.write() as connection:
            feed_sources.save(
                connection, replace(_succeeded(source, self._now()), etag=etag, last_modified=modified)
            )
        return Polled(source.url, unchanged=True)

    def _failed(self, source: FeedSource, error: DataError) -> Polled:
        now, failures, message = self._now(), source.failures + 1, str(error)[:_ERROR_CHARS]
        gone = isinstance(error, FetchError) and error.status == _GONE
        retry = error.retry_seconds if isinstance(error, FetchError) else None
        after = None if gone else now + wait_after_failure(source.interval, failures, retry)
        with self._database.write() as connection:
            feed_sources.save(
                connection,
                replace(source, next_at=after, checked_at=now, failures=failures, error=message),
            )
        return Polled(source.url, message)

    async def _with_pages(self, document: Document) -> tuple[Document, bool]:
        """Fill in the texts of articles from the store, else from their pages; a page that is gone deletes.

        Returns whether pages remain for the next reading, too; not if no page of this one had a text.
        """
        without = [row for row in document.articles if "body" not in row and "url" in row]
        stored = await asyncio.to_thread(self._stored_texts, [str(row["id"]) for row in without])
        missing = [row for row in without if row["id"] not in stored]
        newest = missing[-_PAGES_PER_READING:]  # rows are oldest first
        found = dict(zip(map(id, newest), await asyncio.gather(*map(self._page, newest)), strict=True))
        texts = {row["id"]: text for row in newest if isinstance(text := found[id(row)], str)} | stored
        gone = [str(row["id"]) for row in newest if found[id(row)] is False]
        rows = [row if "body" in row or row.get("id") not in texts else {**row, "body": texts[row["id"]]}
                for row in document.articles]  # fmt: skip
        more = len(missing) > len(newest) and len(texts) > len(stored)
        return replace(document, articles=rows, deleted=[*document.deleted, *gone]), more

    def _stored_texts(self, ids: list[str]) -> dict[object, str]:
        with self._database.read() as connection:
            found = article_store.columns_of(connection, ["id", "body"], ids)
        return {id_: body for id_, body in found.iter_rows() if body is not None}

    async def _page(self, row: Mapping[str, object]) -> str | bool | None:
        """Return the text of an article's page, None without one, False if the page is gone."""
        try:
            page = await self._fetcher.get(str(row["url"]))
        except FetchError as error:
            return False if error.status == _GONE else None
        return await asyncio.to_thread(page_text, page.content, page.url)


def add_sources(connection: Connection, urls: Sequence[str], like: FeedSource, now: int) -> int:
    """Store new sources with the options of `like`, to be read at once; return their number.

    Raises:
        DataError: there would be more than `MOST_SOURCES`.
    """
    new = [FeedSource(url=url, interval=like.interval, next_at=now, full_text=like.full_text) for url in urls]
    added = feed_sources.add(connection, new)
    total = feed_sources.counts(connection)
    if total.working + total.failing + total.gone > MOST_SOURCES:
        raise DataError(
            f"more than {MOST_SOURCES} sources are too many: remove some with `attune poll --remove URL`"
        )
    return added


def _succeeded(source: FeedSource, now: int) -> FeedSource:
    return replace(source, next_at=now + source.interval * SECOND, checked_at=now, failures=0, error=None)


def _published(rows: pl.DataFrame, now: int) -> pl.DataFrame:
    """Drop dates in the future: what a feed shows is published, and such a date would hide it."""
    at = pl.col("published_at")
    return rows.with_columns(published_at=pl.when(at <= now).then(at))


def total_counts(polled: Sequence[Polled]) -> Counter[str]:
    """Return the sum of the counts of several readings."""
    total: Counter[str] = Counter()
    for each in polled:
        total.update(each.counts)
    return total
