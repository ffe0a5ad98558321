"""Timing of a function by wall time."""

import time
from collections.abc import Callable
from statistics import median


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the best wall time of `repeats` runs in seconds: the least disturbed run."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def ratio(work: Callable[[], object], floor: Callable[[], object], pairs: int) -> float:
    """Return the median over pairs of the time of `work` divided by that of `floor`."""
    found = []
    for pair in range(pairs):
        spent = {}
        for side in (work, floor) if pair % 2 else (floor, work):
            begin = time.perf_counter()
            side()
            spent[side] = time.perf_counter() - begin
        found.append(spent[work] / spent[floor])
    return median(found)
