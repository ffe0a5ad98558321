"""Use-cases that store articles, impressions and events."""

import asyncio
from collections.abc import Sequence

from api.application.context import Application
from ingest import http_ingest, jobs
from ingest.event_rows import check_events
from ingest.http_ingest import Received, received_events
from ingest.job_report import Report
from ingest.jobs import Progress
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.sources.source import Source
from recsys.encoder.encoder_languages import language_warning
from recsys.store import articles, withdrawals


def append_events(app: Application, rows: Sequence[object], pseudonyms: Pseudonyms = PLAIN) -> Received:
    """Append events with the fields of the generic formats; they count from the next answer on.

    Raises:
        StoreError: the database is unavailable.
    """
    checked = check_events(rows, app.clock.next(), pseudonyms)
    outcomes = app.writer.append_events(checked.events).result() if checked.events else []
    return received_events(checked, outcomes)


async def receive_events(app: Application, rows: Sequence[object], pseudonyms: Pseudonyms = PLAIN) -> Received:
    """Append events as `append_events` does, without a thread that waits for the database.

    Raises:
        StoreError: the database is unavailable.
    """
    checked = check_events(rows, app.clock.next(), pseudonyms)
    outcomes = await asyncio.wrap_future(app.writer.append_events(checked.events)) if checked.events else []
    return received_events(checked, outcomes)


def put_articles(app: Application, rows: Sequence[object]) -> Received:
    """Store articles with the fields of the generic formats; they are encoded in the background.

    Raises:
        StoreError: the database is unavailable.
    """
    received = http_ingest.store_articles(app.database, rows, app.clock.next())
    app.articles_changed()
    return received


def put_impressions(app: Application, rows: Sequence[object], pseudonyms: Pseudonyms = PLAIN) -> Received:
    """Append impressions that another system showed, with the fields of the generic formats.

    Raises:
        StoreError: the database is unavailable.
    """
    return http_ingest.store_impressions(app.database, rows, app.clock, pseudonyms)


def withdraw_article(app: Application, article: str) -> bool:
    """Withdraw an article from all feeds and lists; return False if none of that id is shown.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        found = bool(articles.known_ids(connection, [article]))
        if found:
            withdrawals.withdraw(connection, [article])
    app.articles_changed()
    return found


def restore_article(app: Application, article: str) -> bool:
    """End the withdrawal of an article, if there is one; return False for an unknown article.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        found = bool(articles.known_ids(connection, [article]) or withdrawals.withdrawn(connection, [article]))
        withdrawals.restore(connection, [article])
    app.articles_changed()
    return found


def run_ingest_job(app: Application, source: Source, progress: Progress) -> Report:
    """Ingest all rows of `source`, or resume an interrupted job of the same source.

    Raises:
        DataError: the source as a whole cannot be read.
        StoreError: the database is unavailable.
    """
    return jobs.run(source, app.database, app.settings.home / "rejects", progress)


def unread_language(app: Application) -> str | None:
    """Return a sentence if the encoder in use does not read the main language of the articles.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return language_warning(articles.language_counts(connection), app.settings.encoder)
