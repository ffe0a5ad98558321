"""Places that a reader was promised: what they focus on and follow has its share of every feed.

A ranker learns from behaviour and knows nothing of what was said. So the order stays the ranker's, but of the
first places so many as promised go to what the reader asked for, as long as there is any: the best first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOCUS_SHARE = 0.5
FOLLOW_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Quota:
    """`share` of the places to the candidates that are `wanted` [n]."""

    wanted: NDArray[np.bool_]
    share: float


def apply_quotas(order: NDArray[np.intp], quotas: Sequence[Quota]) -> NDArray[np.intp]:
    """`order` [m] of candidates, best first, changed no more than the promises ask.

    Of the first k places at least ``⌊share · k⌋`` are of the first promise, as long as there are candidates for
    it. Where several are due at once, the earlier promise comes first and the others follow.
    """
    within_quota = [quota for quota in quotas if quota.wanted.any()]
    if not within_quota:
        return order
    ranked = [order.tolist(), *([int(c) for c in order if quota.wanted[c]] for quota in within_quota)]
    queues = [iter(candidates) for candidates in ranked]
    counts, taken = [0] * len(within_quota), set[int]()
    out = np.zeros_like(order)
    for place in range(len(order)):
        due = (i for i, quota in enumerate(within_quota) if counts[i] < int(quota.share * (place + 1)))
        turns = [queues[i + 1] for i in due] + [queues[0]]
        chosen = next(each for queue in turns for each in queue if each not in taken)
        taken.add(chosen)
        out[place] = chosen
        for i, quota in enumerate(within_quota):
            counts[i] += bool(quota.wanted[chosen])
    return out
