"""An attention budget: of the articles that fit into a reader's minutes together, those worth most.

The 0/1 knapsack with a limit on the number of items, solved exactly by dynamic programming (Bellman 1957) over
ticks of ten seconds. Times are rounded up to ticks, so what is chosen always fits; and no set that fits when its
times are rounded up is worth more.
"""

import numpy as np
from numpy.typing import NDArray

TICK_SECONDS = 10.0
"""Nobody plans a break to the second."""


def knapsack(
    values: NDArray[np.float64], minutes: NDArray[np.float64], budget: float, most: int
) -> NDArray[np.intp]:
    """Places [k ≤ most], ascending, of the set with the largest sum of `values` [n] whose `minutes` [n] fit.

    Values are positive; `budget` is in minutes. Of sets that are worth the same, an earlier item is preferred.
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
    """What may be in the best set [n]: not what `most` others outdo, neither slower to read nor worth less."""
    earlier = np.tri(len(values), k=-1, dtype=np.bool_)
    better = values[None, :] > values[:, None]
    better |= (values[None, :] == values[:, None]) & (earlier | (ticks[None, :] < ticks[:, None]))
    ahead = (better & (ticks[None, :] <= ticks[:, None])).sum(axis=1)
    return np.asarray(ahead < most)


def _best(
    values: NDArray[np.float64], ticks: NDArray[np.int64], order: NDArray[np.intp], capacity: int
) -> NDArray[np.intp]:
    """The best set without a limit on its size."""
    return _best_of_few(values, ticks, order, capacity, None)


def _best_of_few(
    values: NDArray[np.float64],
    ticks: NDArray[np.int64],
    order: NDArray[np.intp],
    capacity: int,
    most: int | None,
) -> NDArray[np.intp]:
    """`worth[s, c]`: the most that at most s items within c ticks are worth; sizes count only with `most`."""
    step = 0 if most is None else 1
    utility = np.zeros(((most or 0) + 1, capacity + 1))
    taken = np.zeros((len(order), *utility.shape), dtype=np.bool_)
    for row, place in enumerate(order):
        cost, few = ticks[place], utility.shape[0] - step
        with_it = utility[:few, : capacity + 1 - cost] + values[place]
        better = with_it >= utility[step:, cost:]
        taken[row, step:, cost:] = better
        utility[step:, cost:] = np.where(better, with_it, utility[step:, cost:])
    return _traced(taken, ticks, order, step)


def _traced(
    taken: NDArray[np.bool_], ticks: NDArray[np.int64], order: NDArray[np.intp], step: int
) -> NDArray[np.intp]:
    size, left = (extent - 1 for extent in taken.shape[1:])
    chosen: list[np.intp] = []
    for row in range(len(order) - 1, -1, -1):
        if taken[row, size, left]:
            chosen.append(order[row])
            size, left = size - step, left - int(ticks[order[row]])
    return np.asarray(chosen, dtype=np.intp)
