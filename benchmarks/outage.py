"""Outage of PostgreSQL under load: answers to feeds and events meanwhile, and logging of the shown slates later.

    python -m benchmarks.outage --database-url postgresql://USER@HOST/DATABASE [--folder FOLDER] [--away 30]

An empty database is filled with a simulated newsroom. The server reaches it through a proxy that is cut for
`--away` seconds, while all connections request feeds and one request in ten stores a click.

Goals: every feed is answered 200. Events are stored while the database is available, and refused with 503 and
Retry-After while it is not. Ten seconds after the proxy is restored, no answer is degraded or refused. Every
answered slate is in the log once, as shown, and so is every event that was answered as stored.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks.figure import figure
from benchmarks.newsroom import furnished, room
from benchmarks.outage_checks import Outage, OutageResults
from benchmarks.server import served
from benchmarks.tcp_proxy import Cable
from benchmarks.traffic import Load, drive
from recsys.settings import Settings

RECOVERY = 10.0
"""Seconds after the proxy is restored."""

_SETTLING = 2.0
"""Seconds from the last answer to the check of the spool, which is stored once a second."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database-url", help="PostgreSQL on a TCP port")
    for name, default in (
        ("readers", 5_000),
        ("articles", 20_000),
        ("days", 4),
        ("workers", 2),
        ("connections", 8),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, seconds in (("before", 10.0), ("away", 30.0), ("after", 20.0), ("events", 0.1)):
        parser.add_argument(f"--{name}", type=float, default=seconds)
    options = parser.parse_args()
    if options.database_url is None:
        print("not measured: it needs PostgreSQL, --database-url postgresql://USER@HOST/DATABASE")
        return
    if sa.make_url(options.database_url).get_backend_name() != "postgresql":
        parser.error("--database-url must name a PostgreSQL: SQLite is a file, and has no outage")
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        seconds = options.before + options.away + options.after
        load = Load(options.readers, options.connections, seconds, options.events)
        _measure(settings, options.workers, load, options.before, options.away)


def _measure(settings: Settings, workers: int, load: Load, before: float, away: float) -> None:
    cable, results = _cable(settings), OutageResults()
    through = sa.make_url(settings.database_url).set(host="127.0.0.1", port=cable.port)
    behind = settings.model_copy(update={"database_url": through.render_as_string(hide_password=False)})
    with served(behind, workers) as server, ThreadPoolExecutor(1) as other:
        cutting = other.submit(_interrupt, cable, before, away)
        traffic = drive(server.port, load, update=results.update)
        time.sleep(_SETTLING)
        spooled = len(list((settings.home / "spool").glob("*")))
        _print(results, cutting.result(), traffic.broken)
    _print_log(results, settings.database_url, spooled)


def _cable(settings: Settings) -> Cable:
    url = sa.make_url(settings.database_url)
    return Cable(url.host or "127.0.0.1", url.port or 5432)


def _interrupt(cable: Cable, before: float, away: float) -> Outage:
    time.sleep(before)
    cutting = time.perf_counter()
    cable.cut()
    cut = time.perf_counter()
    time.sleep(away)
    mended = time.perf_counter()
    cable.mend()
    return Outage(cutting, cut, mended)


def _print(results: OutageResults, outage: Outage, broken: list[str]) -> None:
    failed = sum(results.failed.values()) + len(broken)
    feeds = len(results.fresh) + len(results.degraded)
    figure("feeds", feeds, f"answered 200, {len(results.degraded)} of them degraded")
    _goal("feeds failed", failed, not failed, f"{dict(results.failed)} {broken[:3]}" if failed else "")
    wrong = results.wrong(outage)
    refused = len(results.events) - len(results.stored)
    figure("events", len(results.events), f"{len(results.stored)} stored, {refused} not")
    _goal("events answered wrongly", len(wrong), not wrong, str([answer.body[:200] for answer in wrong[:3]] or ""))
    seconds = results.recovery(outage)
    _goal("recovery", seconds, seconds <= RECOVERY, f"s after the end; load {os.getloadavg()[0]:.1f}")


def _print_log(results: OutageResults, database_url: str, spooled: int) -> None:
    slates, events = results.missing(database_url)
    figure("slates", len(results.slates), "answered")
    _goal("slates not in the log", slates, not slates, "")
    _goal("stored events not in it", events, not events, "")
    _goal("files in the spool", spooled, not spooled, "")


def _goal(name: str, value: float, met: bool, note: str) -> None:
    figure(name, value, f"{note} goal: {'met' if met else 'missed'}".strip())


if __name__ == "__main__":
    main()
