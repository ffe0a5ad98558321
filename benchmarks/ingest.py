"""`attune ingest` compared with a bare executemany or COPY of the same rows into the same tables.

    python -m benchmarks.ingest [--folder DIR] [--postgres postgresql://USER@HOST/DATABASE]

Both sides start from an empty database with the migrated schema and its indexes. The floor gets the stored rows in
memory and writes them in one transaction; it does not read files, validate, deduplicate or count. Without an
EB-NeRD folder the rows are random. With `--postgres`, temporary databases are created on that server.
"""

import argparse
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ingest import jobs
from ingest.sources.ebnerd import Ebnerd
from ingest.sources.parquet import ParquetFiles
from ingest.sources.source import Source
from recsys.store.database import open_database

GOAL = 0.3
EBNERD = Path(__file__).parents[2] / "shared" / "data" / "ebnerd-demo"
TABLES = ("articles", "events", "impressions", "readers")
_SQLITE_SETTINGS = ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-131072")

Stored = dict[str, pl.DataFrame]


def made_up(folder: Path, events: int = 300_000, seed: int = 7) -> Source:
    """Return a source of random articles, impressions and events in the generic Parquet format."""
    rng = np.random.default_rng(seed)
    slates = events // 10
    ids = [f"article-{number}" for number in range(5_000)]
    pl.DataFrame({"id": ids, "title": [f"Title of {name}" for name in ids]}).write_parquet(folder / "a.parquet")
    times = 1_684_393_200 + np.sort(rng.integers(0, 7 * 86_400, events))
    readers = rng.integers(0, 20_000, events)
    pl.DataFrame({"reader": readers, "at": times, "article": rng.choice(ids, events)}).with_columns(
        kind=pl.lit("click")
    ).write_parquet(folder / "b.parquet")
    shown = rng.choice(ids, (slates, 10)).tolist()
    pl.DataFrame({"reader": readers[:slates], "at": times[:slates], "candidates": shown}).write_parquet(
        folder / "c.parquet"
    )
    return ParquetFiles([folder])


def attune(source: Source, url: str, rejects: Path) -> float:
    """Return the seconds of the whole job, from reading its files to the last commit."""
    with closing(open_database(url)) as database:
        begin = time.perf_counter()
        jobs.run(source, database, rejects)
        return time.perf_counter() - begin


def bare_sqlite(url: str, rows: Stored) -> float:
    """Return the seconds of one `executemany` per table, in one transaction."""
    ready = {name: (frame.width, frame.rows()) for name, frame in rows.items()}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for setting in _SQLITE_SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        begin = time.perf_counter()
        for name, (width, values) in ready.items():
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * width)})", values)
        connection.commit()
        return time.perf_counter() - begin


def bare_postgres(url: str, rows: Stored) -> float:
    """Return the seconds of one COPY per table, in one transaction."""
    import psycopg

    ready = {
        name: frame.write_csv(include_header=False, quote_style="non_numeric") for name, frame in rows.items()
    }
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        begin = time.perf_counter()
        for name, text in ready.items():
            with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)".encode()) as copy:
                copy.write(text)
        connection.commit()
        return time.perf_counter() - begin


def stored_in(url: str) -> Stored:
    """Return all rows of the tables, as the drivers return them."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return {name: _frame(connection.execute(f"SELECT * FROM {name}")) for name in TABLES}
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as opened, opened.cursor() as cursor:
        return {name: _frame(cursor.execute(f"SELECT * FROM {name}".encode())) for name in TABLES}


def _frame(cursor: Any) -> pl.DataFrame:
    names = [column[0] for column in cursor.description]
    return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)


@contextmanager
def sqlite_url(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database with its schema."""
    url = f"sqlite:///{folder / uuid.uuid4().hex}.db"
    open_database(url).close()
    yield url


@contextmanager
def postgres_url(server: str) -> Iterator[str]:
    """Yield the URL of an empty database with its schema, and drop it afterwards."""
    import psycopg

    name = f"attune_bench_{uuid.uuid4().hex}"
    with closing(psycopg.connect(server.replace("+psycopg", ""), autocommit=True)) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            url = f"postgresql+psycopg://{server.split('://', 1)[1].rsplit('/', 1)[0]}/{name}"
            open_database(url).close()
            yield url
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def compare(
    source: Source,
    fresh: Callable[[], Any],
    bare: Callable[[str, Stored], float],
    rejects: Path,
) -> tuple[int, float, float]:
    """Return the number of stored rows, Attune's seconds and the floor's seconds."""
    with fresh() as url:
        ours = attune(source, url, rejects)
        rows = stored_in(url)
    with fresh() as url:
        floor = bare(url, rows)
    return sum(rows[name].height for name in TABLES[:3]), ours, floor


def main() -> None:
    """Print a row for each database, with the ratio to the floor."""
    parser = argparse.ArgumentParser(description="attune ingest compared with a bare bulk load")
    parser.add_argument("--folder", type=Path, default=EBNERD, help="an EB-NeRD folder")
    parser.add_argument("--postgres", help="URL of a server on which databases may be created")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = Ebnerd(given.folder) if given.folder.is_dir() else made_up(folder)
        runs = [("SQLite, executemany", lambda: sqlite_url(folder), bare_sqlite)]
        if given.postgres:
            runs.append(("PostgreSQL, COPY", lambda: postgres_url(given.postgres), bare_postgres))
        print(f"{'':22} {'rows':>9} {'Attune s':>9} {'rows/s':>9} {'floor s':>9} {'rows/s':>9} {'ratio':>6}")
        for label, fresh, bare in runs:
            rows, ours, floor = compare(source, fresh, bare, folder / "rejects")
            rates = f"{ours:9.1f} {rows / ours:9,.0f} {floor:9.1f} {rows / floor:9,.0f} {floor / ours:6.2f}"
            print(f"{label:22} {rows:9,} {rates}")
        print(f"goal: ratio ≥ {GOAL}")


if __name__ == "__main__":
    main()
