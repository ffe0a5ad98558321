"""Seconds until `attune serve` answers again after kill -9, with a bundle and stored vectors.

    python -m benchmarks.start [--folder FOLDER] [--readers 5000] [--articles 20000] [--feeds 200] [--kills 5]

Makes a simulated newsroom and a bundle, and reuses them in `--folder` if given. Before each kill some feeds are
requested, so that there are new rows to fold. Goal: 5 s.
"""

import argparse
import os
from pathlib import Path

import httpx

from benchmarks.newsroom import furnished, room
from benchmarks.server import Server
from recsys.settings import Settings

GOAL = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", 5_000), ("articles", 20_000), ("days", 4), ("feeds", 200), ("kills", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days)
        _measure(settings, options.feeds, options.kills)


def _measure(settings: Settings, feeds: int, kills: int) -> None:
    server = Server(settings)
    restarts: list[float] = []
    print(f"{'':<10}{'seconds':>9}{'CPU':>9}{'load':>9}")
    for kill in range(kills + 1):
        server.start()
        name, load = "restart" if kill else "first", os.getloadavg()[0]
        print(f"{name:<10}{server.seconds:>9.2f}{server.cpu_seconds():>9.2f}{load:>9.1f}", flush=True)
        restarts += [server.seconds] if kill else []
        with httpx.Client(base_url=server.address, timeout=60) as client:
            for reader in range(feeds):
                client.get(f"/v1/feed/r{reader:05d}").raise_for_status()
        server.kill()
    print(f"{'goal':<10}{GOAL:>9.2f}: {'met' if max(restarts) < GOAL else 'missed'} by the slowest")


if __name__ == "__main__":
    main()
