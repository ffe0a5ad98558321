"""Ingest jobs: batch → validate → store, resumable, with every row counted.

A batch, its counts and the position after it are committed together, so a killed job resumes where it stopped.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ingest import validate, writer
from ingest.job_report import LEFT_OVER, Report
from ingest.raw_batch import Batch
from ingest.reject_files import RejectFiles
from ingest.sources.source import Source
from ingest.validate import Checked
from recsys.store import ingest_checkpoints as checkpoints
from recsys.store.database import Database
from recsys.store.ingest_checkpoints import Checkpoint

Progress = Callable[[int, int], None]
"""Callback (position, total) after every batch."""


def run(
    source: Source,
    database: Database,
    rejects_dir: Path,
    progress: Progress | None = None,
    now: Callable[[], int] | None = None,
) -> Report:
    """Store all rows of `source` in `database`, from the position where a killed run of the same input stopped.

    A finished job runs again from the start, and finds all its rows stored.

    Args:
        source: input.
        database: database of the log.
        rejects_dir: parent of the folder of reject files, which is named after the job.
        progress: called after each batch.
        now: latest time allowed in rows, in microseconds; default: the clock.

    Raises:
        ConfigError: reject files cannot be written.
        DataError: the input as a whole cannot be read.
        StoreError: the database is unavailable.
    """
    started = time.monotonic()
    job = f"{source.name}-{source.fingerprint}"
    rejects = RejectFiles(rejects_dir / job)
    start = _start(database, job)
    if start.position == 0:
        rejects.clear()
    counts, position, rows = Counter(start.counts), start.position, 0
    for batch in source.batches(start.position):
        counts = _store_batch(batch, database, rejects, Checkpoint(position, counts), job, (now or wall_clock)())
        rows += batch.read().total()
        position = batch.position
        if progress is not None:
            progress(position, source.total)
    with database.write() as connection:
        checkpoints.save(connection, job, Checkpoint(position, counts, done=True))
    return Report(job, counts, rejects.folder, start.position, rows, time.monotonic() - started)


def wall_clock() -> int:
    """Return the current time in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000


def checked_rows(batch: Batch, now: int | None = None) -> dict[str, Checked]:
    """Check the rows of a batch, by kind. now: latest time allowed, in microseconds; default: the clock."""
    latest = wall_clock() if now is None else now
    return {
        "articles": validate.articles(batch.articles, latest),
        "events": validate.events(batch.events, latest),
        "impressions": validate.slates(batch.slates, latest),
    }


def _start(database: Database, job: str) -> Checkpoint:
    with database.read() as connection:
        last = checkpoints.load(connection, job)
    return Checkpoint(0) if last is None or last.done else last


def _store_batch(
    batch: Batch, database: Database, rejects: RejectFiles, before: Checkpoint, job: str, now: int
) -> Counter[str]:
    """Store a batch in one transaction, validated before the write lock; return the job's counts so far."""
    checked = checked_rows(batch, now)
    articles, events, slates = checked["articles"], checked["events"], checked["impressions"]
    with database.read() as connection:
        archived = writer.find_archived(connection, events.good, slates.good)
    with database.write() as connection:
        outcome = writer.store(connection, articles.good, events.good, slates.good, archived)
        outcome.add_rejects(pl.concat([batch.rejects, articles.rejects, events.rejects, slates.rejects]))
        outcome.add_lost(batch.lost)
        outcome.counts.update({f"{kind}.unused.{column}": 1 for kind, column in batch.unused})
        outcome.counts["events.duplicate"] += batch.merged
        outcome.counts[LEFT_OVER] += batch.left_over
        outcome.counts.update({f"{kind}.read": rows for kind, rows in batch.read().items()})
        rejects.write(before.position, outcome.rejects.sort("file", "row"))
        total = Counter(before.counts) + outcome.counts
        checkpoints.save(connection, job, Checkpoint(batch.position, total))
    return total
