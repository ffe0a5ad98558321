"""Visits of the simulated readers: the times at which slates are shown."""

import numpy as np

from recsys.domain import DAY, HOUR, MINUTE
from recsys.simulate.newsroom import Bools, Floats, Ints
from recsys.simulate.readers import Readers

BLOCK = 5 * MINUTE
"""Smallest gap between two slates of a reader, so that no two are in the same block of time."""

MORE_SLATES = 0.35  # chance that a visit goes on to another slate
LONGEST_VISIT = 5
WANDERING = 0.2  # share of visits at any hour of the day


def draw_visits(readers: Readers, days: int, start: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Draw slates in order of time, all within `days` days of `start`.

    Returns:
        For each slate the reader (index of `readers`), the time in microseconds, and the number of the visit.
    """
    visits = rng.poisson(readers.visits_a_day * days)
    reader = np.repeat(np.arange(len(visits)), visits)
    begins = start + _day_and_hour(readers.habit[reader], days, rng)
    slates = np.minimum(rng.geometric(1 - MORE_SLATES, size=len(reader)), LONGEST_VISIT)
    visit = np.repeat(np.arange(len(reader)), slates)
    at = begins[visit] + _since_begin(slates, rng)
    reader = reader[visit]
    order = np.lexsort((at, reader))
    at, reader, visit = at[order], reader[order], visit[order]
    mask = (at < start + days * DAY) & _far_enough(reader, at)
    by_time = np.argsort(at[mask], kind="stable")
    return reader[mask][by_time], at[mask][by_time], visit[mask][by_time]


def _day_and_hour(habit: Floats, days: int, rng: np.random.Generator) -> Ints:
    """Return microseconds since the start: a day, and an hour near the reader's habit."""
    hour = np.where(
        rng.random(len(habit)) < WANDERING, rng.uniform(0, 24, len(habit)), habit + rng.normal(0, 1.2, len(habit))
    )
    day = rng.integers(0, days, size=len(habit)) if days else np.zeros(len(habit), dtype=np.int64)
    return day * DAY + ((hour % 24) * HOUR).astype(np.int64)


def _since_begin(slates: Ints, rng: np.random.Generator) -> Ints:
    """Return microseconds since the begin of its visit, for each slate of each visit."""
    total = int(slates.sum())
    gap = BLOCK + rng.exponential(6 * MINUTE, size=total).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(slates)[:-1])).astype(np.int64)
    passed = np.cumsum(gap)
    return passed - np.repeat(passed[first[slates > 0]], slates[slates > 0])


def _far_enough(reader: Ints, at: Ints) -> Bools:
    """Return False for a slate too soon after the previous one of the same reader; sorted by both."""
    far_enough = np.ones(len(at), dtype=np.bool_)
    far_enough[1:] = (reader[1:] != reader[:-1]) | (np.diff(at) >= BLOCK)
    return far_enough
