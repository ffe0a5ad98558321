"""Feeds over HTTP under load: errors, throughput, latencies, and CPU against the floor of a feed.

    python -m benchmarks.load [--folder FOLDER] [--database-url URL] [--seconds 60] [--workers 2]

Makes a simulated newsroom and a bundle, in `--folder` if given, and then uses it again; with `--database-url` the
log is kept there. The generator runs on the same cores. First one connection asks for feeds alone: what one costs.
Then all ask at once, and one request in ten stores a click. The floor is that of `benchmarks.feed`.

Goals: no error; a feed costs twice the floor and 3 ms at most; feeds a second at least 0.8 of what the cores would
yield if they did nothing else. What other processes of the machine take meanwhile is told, and left out of the
cores.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks import feed
from benchmarks.figure import figure
from benchmarks.newsroom import furnished, room
from benchmarks.server import Server, served
from benchmarks.traffic import Load, Traffic, drive
from recsys.settings import Settings
from recsys.threads import threads

SHARE = 0.8
_WARMING = 200
_ALONE = 400


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a stretch of time: of the clock, and of CPU by the server, the generator and everybody else."""

    wall: float
    server: float
    generator: float
    others: float

    @property
    def cores(self) -> float:
        """Cores that others left."""
        return (psutil.cpu_count() or 1) - self.others / self.wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database-url")
    for name, default in (
        ("readers", 5_000),
        ("articles", 20_000),
        ("days", 4),
        ("workers", 2),
        ("connections", 32),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, share in (("seconds", 60.0), ("events", 0.1)):
        parser.add_argument(f"--{name}", type=float, default=share)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        _measure(
            settings, options.workers, Load(options.readers, options.connections, options.seconds, options.events)
        )


def _measure(settings: Settings, workers: int, load: Load) -> None:
    readers = feed.drawn(load.readers, _WARMING)
    with threads(1):
        costs = feed.costs(settings, readers)
    figure("a feed in the process", costs.feed, "ms of CPU")
    figure("its floor", costs.floor, "ms of CPU")
    with served(settings, workers) as server:
        drive(server.port, Load(load.readers, 8, 60.0, load.events, feeds=_WARMING), seed=1)
        alone, spent = _driven(server, Load(load.readers, 1, 120.0, feeds=_ALONE))
        _tell_costs(1_000 * spent.server / len(alone.feeds), 2 * costs.floor + 3)
        together, spent = _driven(server, load)
    _tell_load(together, spent)
    for error in [*alone.failures, *together.failures][:5]:
        print("  ", error)


def _driven(server: Server, load: Load) -> tuple[Traffic, Spent]:
    busy, cpu, own, began = _busy(), server.cpu_seconds(), time.process_time(), time.perf_counter()
    traffic = drive(server.port, load)
    wall, own = time.perf_counter() - began, time.process_time() - own
    cpu = server.cpu_seconds() - cpu
    return traffic, Spent(wall, cpu, own, max(_busy() - busy - cpu - own, 0.0))


def _busy() -> float:
    """Seconds that all cores of the machine have worked."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)


def _tell_costs(served_ms: float, goal: float) -> None:
    figure("a feed over HTTP", served_ms, "ms of CPU, one connection")
    figure("goal", goal, f"ms: {'met' if served_ms <= goal else 'missed'}")


def _tell_load(traffic: Traffic, spent: Spent) -> None:
    count = len(traffic.feeds)
    for name, seconds in (("feeds", traffic.feeds), ("events", traffic.events)):
        at = 1_000 * np.percentile(seconds, (50, 95, 99)) if seconds else np.zeros(3)
        figure(name, len(seconds) / spent.wall, f"a second, p50 {at[0]:.0f} p95 {at[1]:.0f} p99 {at[2]:.0f} ms")
    errors = len(traffic.failures)
    figure("errors", errors, f"of {count + len(traffic.events) + errors} requests")
    server, generator = (1_000 * cpu / count for cpu in (spent.server, spent.generator))
    figure("the server", server, "ms of CPU a feed, events in")
    figure("the generator", generator, "ms of CPU a feed")
    figure("cores left by others", spent.cores, f"load {os.getloadavg()[0]:.1f}")
    share = count / spent.wall / (1_000 * spent.cores / (server + generator))
    figure("share of the possible", share, f"goal {SHARE}: {'met' if share >= SHARE else 'missed'}")


if __name__ == "__main__":
    main()
