"""CPU time of a feed without HTTP, compared with its floor: only search, preference network and trees.

    python -m benchmarks.feed [--folder FOLDER] [--readers 5000] [--articles 20000] [--feeds 200]

Makes a simulated newsroom and a bundle, and reuses them in `--folder` if given. The floor runs on the candidates
of the same feeds, in one thread. Goal: at most twice the floor and 3 ms.
"""

import argparse
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.newsroom import furnished, room
from recsys.cpu_threads import cpu_threads
from recsys.domain import FeedRequest, RankRequest
from recsys.encoder.lazy import LazyEncoder
from recsys.feed.engine import FeedEngine
from recsys.ranking.query import Candidates, Query
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings
from recsys.store.database import open_database

_WIDTH = 120
"""Neighbours per query in the floor."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", 5_000), ("articles", 20_000), ("days", 4), ("feeds", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days)
        with cpu_threads(1):
            found = costs(settings, drawn(options.readers, options.feeds))
    goal = 2 * found.floor + 3
    print(f"{'a feed':<10}{found.feed:>8.1f} ms of CPU")
    print(f"{'its floor':<10}{found.floor:>8.1f} ms of CPU")
    print(f"{'goal':<10}{goal:>8.1f} ms: {'met' if found.feed <= goal else 'missed'}")


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU milliseconds of one feed without HTTP, and of its search, network and trees only."""

    feed: float
    floor: float


def drawn(readers: int, count: int) -> list[str]:
    """Return ids of `count` random readers."""
    return [f"r{reader:05d}" for reader in np.random.default_rng(7).integers(readers, size=count)]


def costs(settings: Settings, readers: Sequence[str]) -> Costs:
    """Return the mean costs of feeds of `readers`, in this process."""
    service = FeedService(open_database(settings.database_url), settings, LazyEncoder(settings))
    service.start()
    service.ready.wait()
    try:
        _ = [service.feed(_request(reader)) for reader in readers[:20]]
        total = _cpu(lambda: [service.feed(_request(reader)) for reader in readers])
        with service.live.lock:  # the slates of these feeds are folded in the background
            prepared = [_prepared(service.engine, reader) for reader in readers]
        floor = _cpu(lambda: _floor(service.engine, prepared))
    finally:
        service.stop()
        service.database.close()
    return Costs(*(1_000 * seconds / len(readers) for seconds in (total, floor)))


def _request(reader: str) -> FeedRequest:
    return FeedRequest(request_id=uuid.uuid4().hex, as_of=0, reader=reader, explore=0.05)


def _prepared(engine: FeedEngine, reader: str) -> tuple[Query, Candidates]:
    """Return the query and the candidates that a feed of this reader ranks."""
    at = engine.state.known_at + 1
    slate = engine.recommend(
        FeedRequest(request_id=uuid.uuid4().hex, as_of=at, reader=reader, limit=20, explain=False)
    )
    ids = (*(item.id for item in slate.ranking.items), *slate.remaining.ids)
    return engine.prepare(RankRequest(request_id=uuid.uuid4().hex, as_of=at, candidates=ids, reader=reader))


def _floor(engine: FeedEngine, requests: Sequence[tuple[Query, Candidates]]) -> None:
    for query, candidates in requests:
        assert candidates.features is not None
        reads = replace(query.reads)  # a new object, so that the network has no cached result
        queries = engine.models.matcher.interests(reads, query.as_of)
        if engine.index is not None and len(queries):
            engine.index.nearest(queries, _WIDTH)
        engine.models.matcher.match(reads, engine.vectors.of(candidates.rows), query.as_of)
        engine.models.feed.score(candidates.features)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
