"""CPU time of a feed that its shard gets itself, and of one that another shard sends on.

    python -m benchmarks.shards [--folder FOLDER] [--readers 800] [--articles 2200] [--days 14] [--feeds 1000]

Two shards serve a simulated newsroom. In turn, a hundred feeds go to the shard of their reader, and a hundred to
the other one. The CPU time is that of both processes.
"""

import argparse
import os
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import httpx
import numpy as np

from api.http.shard_forwarding import FORWARDED_HEADER
from benchmarks.newsroom import furnished, room
from benchmarks.server import Server
from recsys.settings import Settings
from recsys.state.shard import Shard

_COUNT = 2
_ROUND = 100
_FIRST = "r00001"
"""The feed for which a starting server waits: its shard starts first."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", 800), ("articles", 2_200), ("days", 14), ("feeds", 1_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with room(given.folder) as folder:
        settings = furnished(folder, given.readers, given.articles, given.days)
        shards = [Server(_of(settings, number)) for number in range(_COUNT)]
        os.environ["ATTUNE_SHARD_PEERS"] = ",".join(shard.address for shard in shards)
        holder = Shard(0, _COUNT).holder(_FIRST)
        for shard in (shards[holder], shards[1 - holder]):
            shard.start()
        try:
            readers = [f"r{number:05d}" for number in range(given.readers)]
            _measure(shards, readers, given.feeds)
        finally:
            for shard in shards:
                shard.stop()


def _of(settings: Settings, number: int) -> Settings:
    return settings.model_copy(update={"shard": f"{number}/{_COUNT}"})


def _measure(shards: Sequence[Server], readers: Sequence[str], feeds: int) -> None:
    ways = {"to the shard of the reader": 0, "to the other one": 1}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    given = cycle(readers)
    for _ in range(feeds // _ROUND + 1):
        for way, off in ways.items():
            before = sum(shard.cpu_seconds() for shard in shards)
            for reader in islice(given, _ROUND):
                at = shards[(Shard(0, _COUNT).holder(reader) + off) % _COUNT]
                answer = httpx.get(f"{at.address}/v1/feed/{reader}", params={"explain": False}, timeout=60)
                assert (FORWARDED_HEADER in answer.raise_for_status().headers) == bool(off), (
                    "the shards do not agree"
                )
            spent[way].append((sum(shard.cpu_seconds() for shard in shards) - before) / _ROUND * 1_000)
    for way, found in spent.items():
        print(f"{way:<28}{np.median(found[1:]):8.2f} ms of CPU a feed (median of {len(found) - 1} hundreds)")


if __name__ == "__main__":
    main()
