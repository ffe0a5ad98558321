"""How new an article is: since it was published and since it was first shown."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.ranking.ranking_context import Family, FloatArray, RankingContext
from recsys.state.catalog import NEVER


def _compute(context: RankingContext) -> FloatArray:
    published = _hours_since(context.state.catalog.published[context.rows], context.as_of)
    shown = _hours_since(context.state.first_shown[context.rows], context.as_of)
    shown_or_now = np.where(np.isnan(shown), 0.0, shown)
    age = np.where(np.isnan(published), shown_or_now, published)
    listwise_n2 = context.percentiles(np.column_stack((age, shown_or_now)))
    return np.column_stack([published, shown, age, listwise_n2])


def _hours_since(times: NDArray[np.int64], as_of: int) -> FloatArray:
    return np.where(times == NEVER, np.nan, (as_of - times) / HOUR)


FAMILY = Family(
    "freshness",
    ("hours_since_published", "hours_since_shown", "age", "age_setwise", "hours_since_shown_setwise"),
    _compute,
)
