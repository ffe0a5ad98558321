"""The archive of the log: rows moved, read, verified and erased per second of CPU time, and bytes, beside SQL.

    python -m benchmarks.archive [--events N] [--postgres postgresql+psycopg://USER@HOST/DATABASE]

The log is random: N events of 20,000 readers over 90 days, and a slate of 20 articles for every fifth event. With
`--postgres`, an empty database that is given is used, and its CPU time is not counted. Reading goes through
`event_log_reader.stream`, before and after all rows are archived; the floor is SQL.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from api.application.context import Application
from api.application.log_archiving import verify_archive
from recsys.domain import DAY
from recsys.encoder.lazy import LazyEncoder
from recsys.frames import EVENTS, SLATES, conform
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.settings import Settings
from recsys.store import archive_rewrite, archive_turns, erasure, event_log, event_log_reader, log_archiver
from recsys.store.archive_turns import Turn
from recsys.store.database import Database, opened
from recsys.store.secure_delete import purge_deleted_rows

GOAL = 0.5
"""Most CPU time of a stream from files, relative to one from SQL."""

START = 1_704_067_200_000_000  # 2024-01-01
DAYS = 90
READERS = 20_000


def fill(database: Database, count: int, seed: int = 7) -> None:
    """Append a random log."""
    rng = np.random.default_rng(seed)
    articles = np.array([f"article-{number}" for number in range(5_000)])
    at = START + np.sort(rng.integers(0, DAYS * DAY, count))
    readers = np.array([f"reader-{number}" for number in range(READERS)])[rng.integers(0, READERS, count)]
    shown = slice(0, count, 5)
    slates = pl.DataFrame(
        {"id": [f"s{n}" for n in range(len(at[shown]))], "reader": readers[shown], "at": at[shown] - 1}
    ).with_columns(
        known_at=pl.col("at"),
        candidates=pl.Series(rng.choice(articles, (len(at[shown]), 20)).tolist(), dtype=pl.List(pl.String)),
        ordered=pl.lit(value=True),
    )
    events = pl.DataFrame(
        {
            "id": [f"e{n}" for n in range(count)],
            "reader": readers,
            "at": at,
            "article": rng.choice(articles, count),
            "kind": rng.choice(["click", "read", "scroll"], count),
            "value": rng.integers(1, 90, count).astype(float),
            "request_id": np.repeat(slates["id"].to_numpy(), 5)[:count],
        }
    ).with_columns(known_at=pl.col("at"))
    for first in range(0, count, 100_000):
        with database.write() as connection:
            part = slates.slice(first // 5, 20_000)
            event_log.append_frames(
                connection, conform(events.slice(first, 100_000), EVENTS), conform(part, SLATES)
            )


def stream(database: Database) -> int:
    """Read the whole log; return the number of its rows."""
    with database.read() as connection:
        return sum(chunk.events.height + chunk.slates.height for chunk in event_log_reader.stream(connection))


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process, all threads, that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def erase(database: Database, reader: str) -> None:
    """Erase a reader from the archive and from SQL."""
    with archive_turns.held(database, Turn.FILES, 1.0):
        rewritten = archive_rewrite.prepare(database, reader)
        with database.write() as connection:
            erasure.erase(connection, reader, time.time_ns() // 1_000, rewritten)
        archive_rewrite.finish(database)


def measure(database: Database, folder: Path, count: int) -> float:
    """Print all figures; return the CPU time of a stream from files relative to one from SQL."""
    fill(database, count)
    rows = stream(database)
    before = min(cpu(lambda: stream(database)) for _ in range(3))
    archiving = cpu(lambda: list(log_archiver.archive(database, str(folder), START + DAYS * DAY)))
    after = min(cpu(lambda: stream(database)) for _ in range(3))
    files = list(folder.rglob("*.parquet"))
    size = sum(file.stat().st_size for file in files)
    clock = Clock()
    settings = Settings(_env_file=None)
    app = Application(
        database=database,
        settings=settings,
        encoder=LazyEncoder(settings),
        writer=LogWriter(database, clock),
        clock=clock,
    )
    verifying = cpu(lambda: verify_archive(app))
    erasing = cpu(lambda: erase(database, "reader-7"))
    print(f"rows                        {rows:,}")
    print(f"stream from SQL             {rows / before:,.0f} rows/s")
    print(f"move to {len(files)} files            {rows / archiving:,.0f} rows/s")
    print(f"stream from files           {rows / after:,.0f} rows/s")
    print(f"verify                      {rows / verifying:,.0f} rows/s")
    print(f"erase one of {READERS:,} readers  {erasing:.2f} s")
    print(f"size of the files           {size / 1e6:,.1f} MB, {size / rows:.1f} bytes a row")
    return after / before


def main() -> int:
    """Measure; return 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--postgres", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "attune.db"
        with opened(given.postgres or f"sqlite:///{file}") as database:
            ratio = measure(database, Path(folder) / "archive", given.events)
            if given.postgres is None:
                full = file.stat().st_size
                purge_deleted_rows(database)
                print(
                    f"SQLite file                 {full / 1e6:,.1f} MB, then {file.stat().st_size / 1e6:,.1f} MB"
                )
    print(f"CPU time of a stream from files relative to SQL: {ratio:.2f} (goal: at most {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
