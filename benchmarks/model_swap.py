"""Models activated and rolled back over HTTP under load: whether a request fails, or an answer mixes two models.

    python -m benchmarks.model_swap [--folder FOLDER] [--database-url URL] [--seconds 30] [--every 0.5] [--workers 2]

Two bundles take turns: the trained one, and one made of it whose scores all lie 1,000 higher, so that each score
tells which of the two gave it. All connections ask for feeds, for half of them the next page too, and some store a
click. Beside them somebody ranks few and many candidates, on a new connection each time, so any worker may answer.

Goals: no request fails, and every score is of the model that its answer names, which is one of the two.
"""

import argparse
import json
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from benchmarks.newsroom import furnished, room
from benchmarks.server import served
from benchmarks.shifted_bundle import RAISED, mixes, publish_raised
from benchmarks.traffic import Answer, Load, drive
from recsys.models import bundle as bundles
from recsys.settings import Settings

_CANDIDATES = [f"a{number:06d}" for number in range(1, 151)]
"""Other trees rank so many than rank two."""


@dataclass(slots=True)
class Heard:
    """Answers by model, how many had a score of another one, how often models changed, and what failed."""

    models: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    swaps: int = 0
    failed: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, answer: Answer) -> None:
        """Take in what a connection was answered; what failed there, it counts itself."""
        if answer.wanted and answer.event is None:
            self.ranked(json.loads(answer.body))

    def ranked(self, told: dict[str, Any]) -> None:
        """Take in a feed or a ranking."""
        with self._lock:
            self.models[told["model"]] += 1
            self.mixed += mixes(told)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database-url")
    counts = {"readers": 5_000, "articles": 20_000, "days": 4, "workers": 2, "connections": 8}
    for name, count in counts.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    for name, share in (("seconds", 30.0), ("every", 0.5), ("events", 0.1), ("pages", 0.5)):
        parser.add_argument(f"--{name}", type=float, default=share)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        load = Load(options.readers, options.connections, options.seconds, options.events, pages=options.pages)
        _measure(settings, options.workers, load, options.every)


def _measure(settings: Settings, workers: int, load: Load, every: float) -> None:
    plain = str(bundles.active_version(settings.home)).removesuffix(RAISED)
    other = publish_raised(settings.home, plain)
    bundles.activate(settings.home, plain)
    heard = Heard()
    try:
        with served(settings, workers) as server, ThreadPoolExecutor(2) as concat_fields:
            until = time.monotonic() + load.seconds
            swapping = concat_fields.submit(_swap, server.address, plain, other, every, until, heard)
            ranking = concat_fields.submit(_rank, server.address, until, heard)
            traffic = drive(server.port, load, update=heard.update)
            swapping.result()
            ranking.result()
    finally:
        bundles.activate(settings.home, plain)
    _print(heard, {plain, other}, len(traffic.events), [*traffic.failures, *heard.failed])


def _swap(address: str, plain: str, other: str, every: float, until: float, heard: Heard) -> None:
    for path, wanted in cycle([(f"{other}/activate", other), ("rollback", plain)]):
        if time.monotonic() >= until:
            return
        told = _posted(f"{address}/v1/models/{path}", None, heard)
        if told is not None and told["version"] != wanted:
            heard.failed.append(f"{path} led to {told['version']}")
        heard.swaps += told is not None
        time.sleep(every)


def _rank(address: str, until: float, heard: Heard) -> None:
    for count in cycle([2, len(_CANDIDATES)]):
        if time.monotonic() >= until:
            return
        body = {"reader": "r00001", "candidates": _CANDIDATES[:count]}
        told = _posted(f"{address}/v1/rank", body, heard)
        if told is not None:
            heard.ranked(told)


def _posted(address: str, body: object, heard: Heard) -> dict[str, Any] | None:
    """What was answered; None, and on record, if that failed."""
    try:
        # plain HTTP: without `verify` no certificates are read, each time anew
        answer = httpx.post(address, json=body, timeout=60, verify=False).raise_for_status()
    except httpx.HTTPError as error:
        heard.failed.append(f"{type(error).__name__}: {error}")
        return None
    return dict(answer.json())


def _print(heard: Heard, versions: set[str], events: int, failed: list[str]) -> None:
    answers = sum(heard.models.values())
    asked = answers + events + heard.swaps + len(failed)
    _print_line("swaps", heard.swaps, f"load {os.getloadavg()[0]:.1f}")
    for version, count in sorted(heard.models.items()):
        _print_line("answers", count, f"by {version}")
    _print_line("failed", len(failed), f"of {asked} requests, {_goal(not failed)}")
    _print_line("mixed", heard.mixed, f"of {answers} feeds, pages and rankings, {_goal(not heard.mixed)}")
    strange = len(versions ^ set(heard.models))
    _print_line("strange", strange, f"models that answered unasked or not at all, {_goal(not strange)}")
    for error in failed[:5]:
        print("  ", error)


def _goal(met: bool) -> str:
    return f"goal 0: {'met' if met else 'missed'}"


def _print_line(name: str, value: float, told: str) -> None:
    print(f"{name:<12}{value:>9} {told}", flush=True)


if __name__ == "__main__":
    main()
