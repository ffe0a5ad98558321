"""Share of fresh articles."""

import numpy as np

from recsys.domain import DAY
from recsys.evaluation.scored_slates import Floats, Ints


def fresh_share(top: Ints, available_at: Ints, at: Ints, max_age: int = DAY) -> Floats:
    """Share of each list that became available at most `max_age` before the list was made.

    Args:
        top: int64 [S, k], places in `available_at`, −1 where a list is shorter.
        available_at: int64 [articles], microseconds.
        at: int64 [S], when each list was made, microseconds.
        max_age: microseconds.

    Returns:
        float64 [S] in 0..1; NaN for an empty list.
    """
    listed = top >= 0
    age = at[:, None] - available_at[top]
    count = listed.sum(axis=1)
    return np.where(count > 0, (listed & (age <= max_age)).sum(axis=1) / np.maximum(count, 1), np.nan)
