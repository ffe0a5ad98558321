"""Load test of feeds over HTTP: errors, throughput, latencies, and CPU compared with the floor of a feed.

    python -m benchmarks.load [--folder FOLDER] [--database-url URL] [--seconds 60] [--workers 2]

Makes a simulated newsroom and a bundle, and reuses them in `--folder` if given; with `--database-url` the log is
in that database. The generator runs on the same cores. First one connection requests only feeds: the cost of one
feed. Then all connections send requests, and one in ten stores a click. The floor is that of `benchmarks.feed`.

Goals: no error; a feed costs at most twice the floor and 3 ms; feeds per second at least 0.8 of what the cores
would give without other work. CPU time of other processes is printed, and subtracted from the cores.
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
from recsys.cpu_threads import cpu_threads
from recsys.settings import Settings

SHARE = 0.8
_WARMING = 200
_SINGLE = 400


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of a period: wall time, and CPU time of the server, the generator and other processes."""

    wall: float
    server: float
    generator: float
    others: float

    @property
    def cores(self) -> float:
        """Cores without those used by other processes."""
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
    with cpu_threads(1):
        costs = feed.costs(settings, readers)
    figure("feed in the process", costs.feed, "ms of CPU")
    figure("its floor", costs.floor, "ms of CPU")
    with served(settings, workers) as server:
        drive(server.port, Load(load.readers, 8, 60.0, load.events, feeds=_WARMING), seed=1)
        single, spent = _driven(server, Load(load.readers, 1, 120.0, feeds=_SINGLE))
        _print_costs(1_000 * spent.server / len(single.feeds), 2 * costs.floor + 3)
        parallel, spent = _driven(server, load)
    _print_load(parallel, spent)
    for error in [*single.failures, *parallel.failures][:5]:
        print("  ", error)


def _driven(server: Server, load: Load) -> tuple[Traffic, CpuTime]:
    busy, cpu, own, started = _busy(), server.cpu_seconds(), time.process_time(), time.perf_counter()
    traffic = drive(server.port, load)
    wall, own = time.perf_counter() - started, time.process_time() - own
    cpu = server.cpu_seconds() - cpu
    return traffic, CpuTime(wall, cpu, own, max(_busy() - busy - cpu - own, 0.0))


def _busy() -> float:
    """Return the CPU seconds of all cores of the machine since its start."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)


def _print_costs(served_ms: float, goal: float) -> None:
    figure("feed over HTTP", served_ms, "ms of CPU, one connection")
    figure("goal", goal, f"ms: {'met' if served_ms <= goal else 'missed'}")


def _print_load(traffic: Traffic, spent: CpuTime) -> None:
    count = len(traffic.feeds)
    for name, seconds in (("feeds", traffic.feeds), ("events", traffic.events)):
        at = 1_000 * np.percentile(seconds, (50, 95, 99)) if seconds else np.zeros(3)
        figure(name, len(seconds) / spent.wall, f"per second, p50 {at[0]:.0f} p95 {at[1]:.0f} p99 {at[2]:.0f} ms")
    errors = len(traffic.failures)
    figure("errors", errors, f"of {count + len(traffic.events) + errors} requests")
    server, generator = (1_000 * cpu / count for cpu in (spent.server, spent.generator))
    figure("server", server, "ms of CPU per feed, including events")
    figure("generator", generator, "ms of CPU per feed")
    figure("free cores", spent.cores, f"load {os.getloadavg()[0]:.1f}")
    share = count / spent.wall / (1_000 * spent.cores / (server + generator))
    figure("share of the possible", share, f"goal {SHARE}: {'met' if share >= SHARE else 'missed'}")


if __name__ == "__main__":
    main()
