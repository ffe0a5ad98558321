"""What this reader and this article had to do with each other before: shown and passed over, or read."""

import numpy as np

from recsys.domain import HOUR
from recsys.reranker.context import Family, FloatArray, RankingContext


def _compute(context: RankingContext) -> FloatArray:
    shown, when = context.state.exposures.of(context.reader)
    same_ne = context.rows[:, None] == shown[None, :]
    times = same_ne.sum(axis=1).astype(np.float64)
    latest = np.where(same_ne, when[None, :], 0).max(axis=1, initial=0)
    since = np.where(times > 0, (context.as_of - latest) / HOUR, np.nan)
    read = np.isin(context.rows, context.history.article).astype(np.float64)
    return np.column_stack([times, since, read])


FAMILY = Family("encounters", ("times_shown", "hours_since_shown_to_reader", "already_read"), _compute)
