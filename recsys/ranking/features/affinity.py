"""How much of the reader's past attention went to the candidate's category, subcategory and source.

Past attention is counted twice: every reading as one, and every reading as its dwell, faded over a week.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.constants import MAX_READ_SECONDS, UNMEASURED_DWELL_SECONDS, HalfLife
from recsys.domain import DAY
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.event_codes import ATTRIBUTED_CLICKS, IMPRESSIONS
from recsys.state.live_state import FIRST_CATEGORY

_FADE = 7 * DAY
_RECENT = 5


def _compute(inputs: FeatureInput) -> FloatArray:
    catalog, history = inputs.state.catalog, inputs.query.history
    seconds = np.where(np.isnan(history.seconds), UNMEASURED_DWELL_SECONDS, history.seconds)
    faded = np.exp2(-(inputs.query.as_of - history.opened) / _FADE)
    attention = np.log1p(np.minimum(seconds, MAX_READ_SECONDS)) * faded
    ones, recent = np.ones(len(history)), np.zeros(len(history))
    recent[-_RECENT:] = 1.0
    category, plain, lately = _shares(catalog.category, inputs, (attention, ones, recent))
    (subcategory,) = _shares(catalog.subcategory, inputs, (attention,))
    (source,) = _shares(catalog.source, inputs, (attention,))
    listwise_n2 = inputs.percentiles(np.column_stack((category, subcategory)))
    return np.column_stack(
        [category, subcategory, plain, lately, source, listwise_n2, _category_heat(inputs)],
    )


def _shares(
    codes: NDArray[np.int32], inputs: FeatureInput, weightings: tuple[FloatArray, ...]
) -> list[FloatArray]:
    """By each weighting of the history, the share [n] of what was read that has the candidate's code.

    A code that is unknown has no share; without any weight all shares are NaN.
    """
    mine, theirs = codes[inputs.candidates.rows] + 1, codes[inputs.query.history.article] + 1
    return [_share(mine, theirs, weights) for weights in weightings]


def _share(mine: NDArray[np.int32], theirs: NDArray[np.int32], weights: FloatArray) -> FloatArray:
    total = weights.sum()
    if total <= 0:
        return np.full(len(mine), np.nan)
    by_code = np.bincount(theirs, weights, minlength=int(mine.max(initial=0)) + 1) / total
    by_code[0] = 0.0
    return np.asarray(by_code[mine])


def _category_heat(inputs: FeatureInput) -> FloatArray:
    """Click-through of the category of each candidate in the last hour and in the last days [n, 2]."""
    groups = inputs.state.catalog.category[inputs.candidates.rows] + FIRST_CATEGORY
    counters = inputs.state.counters
    counts_gch = counters.read_groups(np.arange(len(counters.groups)), inputs.query.as_of)
    rates_gh = (counts_gch[:, ATTRIBUTED_CLICKS] + 1) / (counts_gch[:, IMPRESSIONS] + 10)
    return np.asarray(rates_gh[:, (HalfLife.HOUR_1, HalfLife.DAYS_2)][groups])


FAMILY = Family(
    "affinity",
    (
        "category_attention",
        "subcategory_attention",
        "category_share",
        "category_share_recent",
        "source_attention",
        "category_attention_listwise",
        "subcategory_attention_listwise",
        "category_ctr_1h",
        "category_ctr_2d",
    ),
    _compute,
)
