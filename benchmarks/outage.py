"""PostgreSQL away under load: what feeds and events get meanwhile, and whether what was shown comes to the log.

    python -m benchmarks.outage --database-url postgresql://USER@HOST/DATABASE [--folder FOLDER] [--away 30]

An empty database is filled with a simulated newsroom. The server reaches it through a line that is cut for
`--away` seconds, while all connections ask for feeds and one request in ten stores a click.

Goals: every feed is answered 200. Events are stored while the database is there, and refused with 503 and
Retry-After while it is away. Ten seconds after the line is mended nothing is degraded or refused any more. Every
slate that was answered is in the log once, as it was shown, and every event whose storing was told.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks.figure import figure
from benchmarks.newsroom import furnished, room
from benchmarks.outage_checks import Away, Heard
from benchmarks.server import served
from benchmarks.tcp_proxy import Cable
from benchmarks.traffic import Load, drive
from recsys.settings import Settings

RECOVERY = 10.0
"""Seconds after the line is mended."""

_SETTLING = 2.0
"""Seconds after the last answer until the spool is looked at: what is in it is stored once a second."""


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
        parser.error("--database-url must name a PostgreSQL: SQLite is a file, and cannot be away")
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        seconds = options.before + options.away + options.after
        load = Load(options.readers, options.connections, seconds, options.events)
        _measure(settings, options.workers, load, options.before, options.away)


def _measure(settings: Settings, workers: int, load: Load, before: float, away: float) -> None:
    cable, heard = _cable(settings), Heard()
    through = sa.make_url(settings.database_url).set(host="127.0.0.1", port=cable.port)
    behind = settings.model_copy(update={"database_url": through.render_as_string(hide_password=False)})
    with served(behind, workers) as server, ThreadPoolExecutor(1) as other:
        cutting = other.submit(_interrupt, cable, before, away)
        traffic = drive(server.port, load, update=heard.update)
        time.sleep(_SETTLING)
        spooled = len(list((settings.home / "spool").glob("*")))
        _print(heard, cutting.result(), traffic.broken)
    _tell_log(heard, settings.database_url, spooled)


def _cable(settings: Settings) -> Cable:
    url = sa.make_url(settings.database_url)
    return Cable(url.host or "127.0.0.1", url.port or 5432)


def _interrupt(cable: Cable, before: float, away: float) -> Away:
    time.sleep(before)
    cutting = time.perf_counter()
    cable.cut()
    cut = time.perf_counter()
    time.sleep(away)
    mended = time.perf_counter()
    cable.mend()
    return Away(cutting, cut, mended)


def _print(heard: Heard, away: Away, broken: list[str]) -> None:
    failed = sum(heard.failed.values()) + len(broken)
    figure(
        "feeds", len(heard.fresh) + len(heard.degraded), f"answered 200, {len(heard.degraded)} of them degraded"
    )
    _goal("feeds failed", failed, not failed, f"{dict(heard.failed)} {broken[:3]}" if failed else "")
    wrong = heard.wrong(away)
    refused = len(heard.events) - len(heard.stored)
    figure("events", len(heard.events), f"{len(heard.stored)} stored, {refused} not")
    _goal("events answered wrongly", len(wrong), not wrong, str([answer.body[:200] for answer in wrong[:3]] or ""))
    took = heard.recovery(away)
    _goal("recovery", took, took <= RECOVERY, f"s after mending; load {os.getloadavg()[0]:.1f}")


def _tell_log(heard: Heard, database_url: str, spooled: int) -> None:
    slates, events = heard.missing(database_url)
    figure("slates", len(heard.slates), "answered")
    _goal("slates not in the log", slates, not slates, "")
    _goal("told events not in it", events, not events, "")
    _goal("files in the spool", spooled, not spooled, "")


def _goal(name: str, value: float, met: bool, told: str) -> None:
    figure(name, value, f"{told} goal: {'met' if met else 'missed'}".strip())


if __name__ == "__main__":
    main()
