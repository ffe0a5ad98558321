"""Cost of many readers: memory, time of the fold, and size and load time of a snapshot.

    python -m benchmarks.reader_state [--readers 100000] [--articles 10000] [--visits 15] [--shard 0/4]
        [--snapshot FILE] [--start] [--feeds 300] [--own FILE]

At each visit a reader sees ten random articles and opens and reads one. The log is made in memory, by time, and
folded by the product in parts, by one process or by one shard. Goals for a million readers with 30 events: 1.5 GB
of state, a snapshot loaded in 10 s. `--snapshot` keeps the snapshot. With `--start` nothing is folded: a process,
or a shard, only starts from the snapshot that was kept. `--feeds` then makes feeds of random readers, with
untrained models and without vectors, and `--own` writes the snapshot of the shard.
"""

import argparse
import gc
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import psutil
from numpy.typing import NDArray

from recsys.domain import DAY, EventKind, FeedRequest
from recsys.feed.engine import FeedEngine
from recsys.frames import ARTICLES, EVENTS, SLATES, conform
from recsys.projection.vector_table import VectorTable
from recsys.simulate.world import START
from recsys.state import snapshot
from recsys.state.live_state import LiveState
from recsys.state.shard import WHOLE, Shard
from recsys.state.snapshot import Watermark

_SHOWN = 10
_PART = 50_000
"""Visits folded at once."""

_DAYS = 14
_FIRST = round(START.timestamp() * 1_000_000)
_READ_SECONDS = 60.0


def newsroom(articles: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return `articles` random articles of 20 categories, published in the two weeks before the log."""
    numbers = np.arange(articles)
    return conform(
        pl.DataFrame(
            {
                "id": [f"a{number:06d}" for number in numbers],
                "title": [f"article {number}" for number in numbers],
                "category": [f"c{number % 20}" for number in numbers],
                "published_at": _FIRST - rng.integers(0, _DAYS * DAY, articles),
            }
        ),
        ARTICLES,
    )


def parts(
    readers: int, articles: int, visits: int, rng: np.random.Generator
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the log by time: events, and slates."""
    total = readers * visits
    every = _DAYS * DAY // total
    for start in range(0, total, _PART):
        count = min(_PART, total - start)
        number = np.arange(start, start + count)
        at = _FIRST + number * every
        # each reader comes once in each round, in another order
        reader = (number * 7_919 + number // readers) % readers
        shown = rng.integers(0, articles, (count, _SHOWN))
        yield _events(number, reader, shown[:, 0], at, every), _slates(number, reader, shown, at)


def _events(
    number: NDArray[np.int64],
    reader: NDArray[np.int64],
    article: NDArray[np.int64],
    at: NDArray[np.int64],
    every: int,
) -> pl.DataFrame:
    visits = pl.DataFrame({"number": number, "reader": reader, "article": article, "at": at}).with_columns(
        reader="r" + pl.col("reader").cast(pl.String).str.zfill(7),
        article="a" + pl.col("article").cast(pl.String).str.zfill(6),
        request_id="s" + pl.col("number").cast(pl.String).str.zfill(10),
    )
    kinds = (
        ("c", EventKind.CLICK, None, every // 4),
        ("d", EventKind.READ, _READ_SECONDS, every // 2),
    )
    rows = [
        visits.with_columns(
            id=letter + pl.col("number").cast(pl.String).str.zfill(10),
            kind=pl.lit(kind.value),
            value=pl.lit(value, pl.Float64),
            at=pl.col("at") + later,
        )
        for letter, kind, value, later in kinds
    ]
    both = pl.concat(rows).with_columns(known_at=pl.col("at")).sort("known_at", "id")
    return conform(both.drop("number"), EVENTS)


def _slates(
    number: NDArray[np.int64], reader: NDArray[np.int64], shown: NDArray[np.int64], at: NDArray[np.int64]
) -> pl.DataFrame:
    ids = pl.Series([f"a{article:06d}" for article in range(int(shown.max()) + 1)])
    candidates = ids.gather(shown.reshape(-1)).reshape((len(number), _SHOWN)).arr.to_list()
    frame = pl.DataFrame({"number": number, "reader": reader, "at": at}).with_columns(
        id="s" + pl.col("number").cast(pl.String).str.zfill(10),
        reader="r" + pl.col("reader").cast(pl.String).str.zfill(7),
        known_at=pl.col("at"),
        candidates=candidates,
        ordered=pl.lit(False),
    )
    return conform(frame.drop("number"), SLATES)


def resident() -> int:
    """Return the bytes of this process in memory."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def start(path: Path, shard: Shard, readers: int) -> LiveState:
    """Print memory and time of a start from a snapshot, in a process that does nothing else."""
    before, begin, worked = resident(), time.perf_counter(), time.process_time()
    state, _ = snapshot.load(path, shard)
    seconds, spent = time.perf_counter() - begin, time.process_time() - worked
    grown, most = resident() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 - before
    print(f"shard {shard}: {state.readers_held:,} of {len(state.readers):,} readers held")
    print(f"start                   {seconds:8.1f} s, {spent:.1f} s of CPU")
    print(f"memory                  {grown / 1e6:8.0f} MB, {grown / readers / 1e3:.2f} kB a reader of the log")
    print(f"largest meanwhile       {most / 1e6:8.0f} MB")
    return state


def feeds(state: LiveState, articles: int, count: int) -> None:
    """Print the CPU time of feeds of random readers of the shard."""
    if not count:
        return
    rng = np.random.default_rng(7)
    state.upsert_articles(newsroom(articles, rng))
    engine = FeedEngine(state=state, vectors=VectorTable())
    held = [
        reader for reader in rng.choice(state.readers.strings, 20 * count).tolist() if state.shard.holds(reader)
    ]
    as_of, spent = state.known_at + 1, []
    for number, reader in enumerate(held[: 2 * count]):
        request = FeedRequest(request_id=f"f{number}", as_of=as_of, reader=reader, limit=20)
        begin = time.process_time()
        engine.recommend(request)
        spent.append(time.process_time() - begin)
    warm = 1_000 * np.asarray(spent[count:])
    print(f"feeds                   {len(warm):8,} of {len({*held[count:]}):,} readers")
    print(f"CPU of a feed           {warm.mean():8.2f} ms, median {np.median(warm):.2f} ms")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 100_000), ("articles", 10_000), ("visits", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--shard", type=Shard.parse, default=WHOLE)
    parser.add_argument("--snapshot", type=Path)
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--feeds", type=int, default=0)
    parser.add_argument("--own", type=Path)
    given = parser.parse_args()
    if given.start:
        state = start(given.snapshot, given.shard, given.readers)
        if given.own is not None:
            snapshot.save(state, Watermark(1, state.known_at, ""), given.own)
            print(f"snapshot of the shard   {given.own.stat().st_size / 1e6:8.0f} MB")
        feeds(state, given.articles, given.feeds)
        return
    rng = np.random.default_rng(7)
    state = LiveState(given.shard)
    state.upsert_articles(newsroom(given.articles, rng))
    before, spent, last = resident(), 0.0, ""
    for events, slates in parts(given.readers, given.articles, given.visits, rng):
        begin = time.process_time()
        state.apply(state.encode(events, slates))
        spent += time.process_time() - begin
        last = events["id"][-1]
    grown = resident() - before
    rows = given.readers * given.visits * 3
    million = 1_000_000 / given.readers
    print(f"{given.readers:,} readers, {given.articles:,} articles, {rows:,} rows of the log, shard {given.shard}")
    print(f"readers held            {state.readers_held:8,}")
    print(f"fold                    {spent:8.1f} s of CPU, {rows / spent:,.0f} rows/s")
    print(f"memory                  {grown / 1e6:8.0f} MB, {grown / 1e9 * million:.2f} GB a million readers")
    with tempfile.TemporaryDirectory() as folder:
        path = given.snapshot or Path(folder) / "state.safetensors"
        snapshot.save(state, Watermark(1, state.known_at, last), path)
        size = path.stat().st_size
        begin = time.perf_counter()
        snapshot.load(path, given.shard)
        loaded = time.perf_counter() - begin
    print(f"snapshot                {size / 1e6:8.0f} MB, {size / 1e9 * million:.2f} GB a million readers")
    print(f"load of the snapshot    {loaded:8.1f} s, {loaded * million:.0f} s a million readers")


if __name__ == "__main__":
    main()
