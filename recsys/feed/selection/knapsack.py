"""Attention budget: the set of articles with the highest utility that fits into a reader's minutes.

0/1 knapsack with a limit on the number of items, solved exactly by dynamic programming (Bellman 1957) over ticks
of ten seconds. Times are rounded up to ticks, so the selection always fits, and no set that fits with rounded
times has a higher utility.
"""

import numpy as np
from numpy.typing import NDArray

TICK_SECONDS = 10.0
"""Unit of time of the dynamic programming."""


def knapsack(
    values: NDArray[np.float64], minutes: NDArray[np.float64], budget: float, most: int
) -> NDArray[np.intp]:
    """Return the places [k ≤ most], ascending, with the largest sum of `values` [n] whose `minutes` [n] fit.

    Values are positive; `budget` is in minutes. Ties prefer earlier items.
    """
    ticks = np.ceil(np.round(minutes * 60 / TICK_SECONDS, 6)).astype(np.int64)
    capacity = int(budget * 60 / TICK_SECONDS)
    possible = np.flatnonzero((ticks <= capacity) & (values > 0))
    order = possible[_needed(values[possible], ticks[possible], most)][::-1]
    free = _best(values, ticks, order, capacity)
    if len(free) <= most:
        return np.sort(free)
    return np.sort(_best_of_few(values, ticks, order, capacity, most))


def _needed(values: NDArray[np.float64], ticks: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Return False for each item [n] that `most` others dominate: at least as useful and at most as long."""
    earlier = np.tri(len(values), k=-1, dtype=np.bool_)
    better = values[None, :] > values[:, None]
    better |= (values[None, :] == values[:, None]) & (earlier | (ticks[None, :] < ticks[:, None]))
    dominating = (better & (ticks[None, :] <= ticks[:, None])).sum(axis=1)
    return np.asarray(dominating < most)


def _best(
    values: NDArray[np.float64], ticks: NDArray[np.int64], order: NDArray[np.intp], capacity: int
) -> NDArray[np.intp]:
    """Return the best set without a limit on its size."""
    return _best_of_few(values, ticks, order, capacity, None)


def _best_of_few(
    values: NDArray[np.float64],
    ticks: NDArray[np.int64],
    order: NDArray[np.intp],
    capacity: int,
    most: int | None,
) -> NDArray[np.intp]:
    """Return the best set of at most `most` items; `utility[s, c]`: best of at most s items within c ticks."""
    step = 0 if most is None else 1
    utility = np.zeros(((most or 0) + 1, capacity + 1))
    used = np.zeros((len(order), *utility.shape), dtype=np.bool_)
    for row, place in enumerate(order):
        cost, few = ticks[place], utility.shape[0] - step
        with_it = utility[:few, : capacity + 1 - cost] + values[place]
        better = with_it >= utility[step:, cost:]
        used[row, step:, cost:] = better
        utility[step:, cost:] = np.where(better, with_it, utility[step:, cost:])
    return _traced(used, ticks, order, step)


def _traced(
    used: NDArray[np.bool_], ticks: NDArray[np.int64], order: NDArray[np.intp], step: int
) -> NDArray[np.intp]:
    size, ticks_left = (extent - 1 for extent in used.shape[1:])
    chosen: list[np.intp] = []
    for row in range(len(order) - 1, -1, -1):
        if used[row, size, ticks_left]:
            chosen.append(order[row])
            size, ticks_left = size - step, ticks_left - int(ticks[order[row]])
    return np.asarray(chosen, dtype=np.intp)
