"""Speed of the fold on a simulated log: rows per second in batches, microseconds for one event.

    python -m benchmarks.fold [--readers 400] [--batch 1000]

Batches are folded with `LiveState.apply`, as the follower does, without and with the conversion of log rows to
arrays. The floor counts the same exposures in a plain dictionary, one by one.
"""

import argparse
import time
from collections import defaultdict
from statistics import median

import numpy as np

from benchmarks.timing import best_seconds
from recsys.simulate.world import World, simulate
from recsys.state.live_state import LiveState
from recsys.state.log_batch import Behaviours, LogBatch, Shown

GOAL_EXPOSURES = 100_000.0
GOAL_MICROSECONDS = 50.0
_SINGLES = 3_000


def encoded(world: World) -> tuple[LiveState, LogBatch]:
    """Return a state with all articles, and the whole log as one batch for it."""
    state = LiveState()
    state.upsert_articles(world.articles)
    slates = world.slates.sort("known_at", "id")
    return state, state.encode(world.events.sort("known_at", "id"), slates)


def pieces(batch: LogBatch, rows: int) -> list[LogBatch]:
    """Return `batch` cut by time into parts of about `rows` exposures."""
    out = []
    for edge in np.unique(batch.shown.known_at[rows::rows]).tolist():
        piece, batch = batch.split(edge)
        out.append(piece)
    return [*out, batch]


def exposures_only(batch: LogBatch) -> LogBatch:
    """Return the same batch without behaviours."""
    none = {name: getattr(batch.behaviours, name)[:0] for name in Behaviours.__slots__}
    return LogBatch(Behaviours(**none), batch.shown)


def fold_seconds(world: World, rows: int, shown_only: bool) -> float:
    """Return the seconds to fold the whole log in parts."""
    state, batch = encoded(world)
    parts = pieces(exposures_only(batch) if shown_only else batch, rows)
    begin = time.perf_counter()
    for part in parts:
        state.apply(part)
    return time.perf_counter() - begin


def single_microseconds(world: World) -> float:
    """Return the median microseconds to fold one behaviour after all earlier rows."""
    state, batch = encoded(world)
    count = len(batch.behaviours.at)
    start = max(0, count - _SINGLES)
    first = int(batch.behaviours.known_at[start])
    before, after = batch.split(first)
    state.apply(before)
    no_exposures = Shown(*(getattr(batch.shown, name)[:0] for name in Shown.__slots__))
    spent = []
    for i in range(len(after.behaviours.at)):
        columns = {name: getattr(after.behaviours, name)[i : i + 1] for name in Behaviours.__slots__}
        one = LogBatch(Behaviours(**columns), no_exposures)
        begin = time.perf_counter()
        state.apply(one)
        spent.append(time.perf_counter() - begin)
    return median(spent) * 1e6


def count_in_a_dictionary(shown: Shown) -> None:
    """Count in a plain dictionary by article: the floor."""
    counts: dict[int, int] = defaultdict(int)
    for article in shown.article.tolist():
        counts[article] += 1


def main() -> None:
    """Print the table and the ratios to the goals."""
    parser = argparse.ArgumentParser(description="folding the log into the state")
    parser.add_argument("--readers", type=int, default=400)
    parser.add_argument("--batch", type=int, default=1_000)
    given = parser.parse_args()
    world = simulate(readers=given.readers, articles=2_000, days=7)
    _, batch = encoded(world)
    exposures, behaviours = len(batch.shown.known_at), len(batch.behaviours.at)
    shown = min(fold_seconds(world, given.batch, shown_only=True) for _ in range(3))
    both = min(fold_seconds(world, given.batch, shown_only=False) for _ in range(3))
    encoding = best_seconds(lambda: encoded(world), 3)
    floor = best_seconds(lambda: count_in_a_dictionary(batch.shown), 3)
    single = min(single_microseconds(world) for _ in range(3))
    print(f"{exposures:,} exposures, {behaviours:,} behaviours, batches of {given.batch:,} exposures")
    print(f"{'':44} {'rows/s':>12}")
    for name, rows, seconds in (
        ("exposures only", exposures, shown),
        ("exposures and behaviours", exposures + behaviours, both),
        ("  with conversion of log rows to arrays", exposures + behaviours, both + encoding),
        ("floor: exposures counted in a dictionary", exposures, floor),
    ):
        print(f"{name:44} {rows / seconds:12,.0f}")
    print(f"{'one event':44} {single:9.1f} µs")
    ratio = exposures / shown / GOAL_EXPOSURES
    print(f"exposures {ratio:.1f}× the goal of {GOAL_EXPOSURES:,.0f}/s, {floor / shown:.2f} of the floor")
    print(f"one event {single / GOAL_MICROSECONDS:.2f}× the time allowed ({GOAL_MICROSECONDS:.0f} µs)")


if __name__ == "__main__":
    main()
