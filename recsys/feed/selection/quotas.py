"""Quotas: shares of every feed for subjects that the reader focuses on or follows.

A ranker learns from behaviour and does not know explicit preferences. The order stays the ranker's, but the quota
of the first places goes to candidates that match the preferences, best first, until none remain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOCUS_SHARE = 0.5
FOLLOW_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Quota:
    """Quota: a `share` of the places for the candidates marked in `eligible` [n]."""

    eligible: NDArray[np.bool_]
    share: float


def apply_quotas(order: NDArray[np.intp], quotas: Sequence[Quota]) -> NDArray[np.intp]:
    """Return the candidates `order` [m], best first, changed only as far as the quotas require.

    At least ``⌊share · k⌋`` of the first k places go to the first quota, while it has candidates. If several
    quotas are due at one place, the earlier one comes first.
    """
    active = [quota for quota in quotas if quota.eligible.any()]
    if not active:
        return order
    ranked = [order.tolist(), *([int(c) for c in order if quota.eligible[c]] for quota in active)]
    queues = [iter(candidates) for candidates in ranked]
    counts, used = [0] * len(active), set[int]()
    out = np.zeros_like(order)
    for place in range(len(order)):
        due = (i for i, quota in enumerate(active) if counts[i] < int(quota.share * (place + 1)))
        turns = [queues[i + 1] for i in due] + [queues[0]]
        chosen = next(each for queue in turns for each in queue if each not in used)
        used.add(chosen)
        out[place] = chosen
        for i, quota in enumerate(active):
            counts[i] += bool(quota.eligible[chosen])
    return out
