"""Activation and rollback of bundles over HTTP under load: failed requests, and answers that mix two models.

    python -m benchmarks.model_swap [--folder FOLDER] [--database-url URL] [--seconds 30] [--every 0.5] [--workers
    2] [--moved]

Two bundles alternate: the trained one, and one whose scores are all 1,000 higher, so that a score shows which
bundle made it. All connections request feeds, and for half of them the next page, and some store a click.
Meanwhile another client ranks few and many candidates, on a new connection each time, so that any worker may
answer. With --moved, the other bundle has another space, as after a training: with each swap the vectors of all
articles, their index and their stories are made anew, which takes seconds (use --every 20).

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
from benchmarks.shifted_bundle import MOVED, RAISED, mixes, publish_raised
from benchmarks.traffic import Answer, Load, drive
from recsys.models import bundle as bundles
from recsys.settings import Settings

_CANDIDATES = [f"a{number:06d}" for number in range(1, 151)]
"""This many are ranked by other trees than two are."""


@dataclass(slots=True)
class SwapResults:
    """Answers by model, answers with a score of another model, number of swaps, and failed requests."""

    models: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    swaps: int = 0
    failed: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, answer: Answer) -> None:
        """Count the answer of a connection; failed ones are counted elsewhere."""
        if answer.succeeded and answer.event is None:
            self.ranked(json.loads(answer.body))

    def ranked(self, content: dict[str, Any]) -> None:
        """Count a feed or a ranking."""
        with self._lock:
            self.models[content["model"]] += 1
            self.mixed += mixes(content)


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
    parser.add_argument("--moved", action="store_true")
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days, options.database_url)
        load = Load(options.readers, options.connections, options.seconds, options.events, pages=options.pages)
        _measure(settings, options.workers, load, options.every, options.moved)


def _measure(settings: Settings, workers: int, load: Load, every: float, moved: bool) -> None:
    plain = str(bundles.active_version(settings.home)).removesuffix(RAISED).removesuffix(MOVED)
    other = publish_raised(settings.home, plain, moved)
    bundles.activate(settings.home, plain)
    results = SwapResults()
    try:
        with served(settings, workers) as server, ThreadPoolExecutor(2) as pool:
            until = time.monotonic() + load.seconds
            swapping = pool.submit(_swap, server.address, plain, other, every, until, results)
            ranking = pool.submit(_rank, server.address, until, results)
            traffic = drive(server.port, load, update=results.update)
            swapping.result()
            ranking.result()
    finally:
        bundles.activate(settings.home, plain)
    _print(results, {plain, other}, len(traffic.events), [*traffic.failures, *results.failed])
    _print_line("slowest", round(max(traffic.feeds, default=0.0), 2), "s, of all feeds")


def _swap(address: str, plain: str, other: str, every: float, until: float, results: SwapResults) -> None:
    for path, expected in cycle([(f"{other}/activate", other), ("rollback", plain)]):
        if time.monotonic() >= until:
            return
        content = _posted(f"{address}/v1/models/{path}", None, results)
        if content is not None and content["version"] != expected:
            results.failed.append(f"{path} led to {content['version']}")
        results.swaps += content is not None
        time.sleep(every)


def _rank(address: str, until: float, results: SwapResults) -> None:
    for count in cycle([2, len(_CANDIDATES)]):
        if time.monotonic() >= until:
            return
        body = {"reader": "r00001", "candidates": _CANDIDATES[:count]}
        content = _posted(f"{address}/v1/rank", body, results)
        if content is not None:
            results.ranked(content)


def _posted(address: str, body: object, results: SwapResults) -> dict[str, Any] | None:
    """Return the answer; if the request fails, record that and return None."""
    try:
        # plain HTTP: without `verify`, certificates are not read for each request
        answer = httpx.post(address, json=body, timeout=60, verify=False).raise_for_status()
    except httpx.HTTPError as error:
        results.failed.append(f"{type(error).__name__}: {error}")
        return None
    return dict(answer.json())


def _print(results: SwapResults, versions: set[str], events: int, failed: list[str]) -> None:
    answers = sum(results.models.values())
    requests = answers + events + results.swaps + len(failed)
    _print_line("swaps", results.swaps, f"load {os.getloadavg()[0]:.1f}")
    for version, count in sorted(results.models.items()):
        _print_line("answers", count, f"by {version}")
    _print_line("failed", len(failed), f"of {requests} requests, {_goal(not failed)}")
    _print_line("mixed", results.mixed, f"of {answers} feeds, pages and rankings, {_goal(not results.mixed)}")
    unexpected = len(versions ^ set(results.models))
    _print_line("unexpected", unexpected, f"other models that answered, or no answers, {_goal(not unexpected)}")
    for error in failed[:5]:
        print("  ", error)


def _goal(met: bool) -> str:
    return f"goal 0: {'met' if met else 'missed'}"


def _print_line(name: str, value: float, note: str) -> None:
    print(f"{name:<12}{value:>9} {note}", flush=True)


if __name__ == "__main__":
    main()
