"""Feeds while the log is folded again after an erasure: their wall times, and how long they are degraded.

    python -m benchmarks.refold [--readers 20000] [--articles 500] [--visits 10] [--feeds 20]

Makes a log (`benchmarks.reader_state`) in an SQLite file, and asks one service for feeds in turn, in this process:
some before the erasure of one reader, then during it and until feeds are no longer degraded, at least as many.
"""

import argparse
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from api.application.context import Application
from api.application.reader_data import erase_reader
from benchmarks.reader_state import newsroom, parts
from recsys.cpu_threads import cpu_threads
from recsys.domain import FeedRequest
from recsys.encoder.lazy import LazyEncoder
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings
from recsys.store import articles, event_log
from recsys.store.database import Database, open_database

_ERASED = "r0000007"


def stored(url: str, readers: int, count: int, visits: int) -> Database:
    """Return a new database with the log."""
    database, rng = open_database(url), np.random.default_rng(7)
    with database.write() as connection:
        articles.upsert(connection, newsroom(count, rng))
    for events, slates in parts(readers, count, visits, rng):
        with database.write() as connection:
            event_log.append_frames(connection, events, slates)
    return database


def timed_feed(service: FeedService, reader: str) -> tuple[float, bool]:
    """Return the wall time of a feed in seconds, and whether it was degraded."""
    begin = time.perf_counter()
    page = service.feed(FeedRequest(request_id=uuid.uuid4().hex, as_of=0, reader=reader))
    return time.perf_counter() - begin, page.ranking.degraded


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 20_000), ("articles", 500), ("visits", 10), ("feeds", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cpu_threads(1):
        url = f"sqlite:///{folder}/attune.db"
        settings = Settings(database_url=url, home=Path(folder), _env_file=None)
        database = stored(url, given.readers, given.articles, given.visits)
        service = FeedService(database, settings, LazyEncoder(settings))
        service.start()
        service.ready.wait()
        before = [timed_feed(service, f"r{reader:07d}")[0] for reader in range(100, 100 + given.feeds)]
        begin = current = time.perf_counter()
        after, behind = list[float](), False
        with ThreadPoolExecutor(1) as apart:
            erased = apart.submit(erase_reader, Application.of(service), _ERASED, "cli")
            while behind or not erased.done() or len(after) < given.feeds:
                seconds, behind = timed_feed(service, f"r{200 + len(after) % 1_000:07d}")
                after.append(seconds)
                current = time.perf_counter() if behind else current
            erased.result()
        service.stop()
        database.close()
    print(f"{3 * given.readers * given.visits:,} rows of the log")
    print(f"feeds before            median {1e3 * float(np.median(before)):8.0f} ms")
    print(f"feeds during and after  median {1e3 * float(np.median(after)):8.0f} ms, longest {max(after):.1f} s")
    print(f"the last degraded feed was answered after {current - begin:.1f} s")


if __name__ == "__main__":
    main()
