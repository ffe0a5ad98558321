"""Age of an article: since it was published and since it was first shown."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.catalog import NEVER


def _compute(inputs: FeatureInput) -> FloatArray:
    published = _hours_since(inputs.state.catalog.published[inputs.candidates.rows], inputs.query.as_of)
    shown = _hours_since(inputs.state.first_shown[inputs.candidates.rows], inputs.query.as_of)
    shown_or_now = np.where(np.isnan(shown), 0.0, shown)
    age = np.where(np.isnan(published), shown_or_now, published)
    listwise_n2 = inputs.percentiles(np.column_stack((age, shown_or_now)))
    return np.column_stack([published, shown, age, listwise_n2])


def _hours_since(times: NDArray[np.int64], as_of: int) -> FloatArray:
    return np.where(times == NEVER, np.nan, (as_of - times) / HOUR)


FAMILY = Family(
    "freshness",
    ("hours_since_published", "hours_since_shown", "age", "age_listwise", "hours_since_shown_listwise"),
    _compute,
)
