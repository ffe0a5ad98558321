"""How much of the reader's past attention went to the candidate's category, subcategory and source.

Past attention is counted twice: every reading as one, and every reading as its dwell, faded over a week.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.ranking.ranking_context import Family, FloatArray, RankingContext
from recsys.state.event_codes import ATTRIBUTED_CLICKS, IMPRESSIONS
from recsys.state.live_state import FIRST_CATEGORY, MAX_READ_SECONDS

_UNKNOWN_SECONDS = 20.0
_FADE = 7 * DAY
_RECENT = 5
_HOUR, _TWO_DAYS = 1, 4


def _compute(context: RankingContext) -> FloatArray:
    catalog, history = context.state.catalog, context.history
    seconds = np.where(np.isnan(history.seconds), _UNKNOWN_SECONDS, history.seconds)
    faded = np.exp2(-(context.as_of - history.opened) / _FADE)
    attention = np.log1p(np.minimum(seconds, MAX_READ_SECONDS)) * faded
    ones, recent = np.ones(len(history)), np.zeros(len(history))
    recent[-_RECENT:] = 1.0
    category, plain, lately = _shares(catalog.category, context, (attention, ones, recent))
    (subcategory,) = _shares(catalog.subcategory, context, (attention,))
    (source,) = _shares(catalog.source, context, (attention,))
    listwise_n2 = context.percentiles(np.column_stack((category, subcategory)))
    return np.column_stack(
        [category, subcategory, plain, lately, source, listwise_n2, _category_heat(context)],
    )


def _shares(
    codes: NDArray[np.int32], context: RankingContext, weightings: tuple[FloatArray, ...]
) -> list[FloatArray]:
    """By each weighting of the history, the share [n] of what was read that has the candidate's code.

    A code that is unknown has no share; without any weight all shares are NaN.
    """
    mine, theirs = codes[context.rows] + 1, codes[context.history.article] + 1
    return [_share(mine, theirs, weights) for weights in weightings]


def _share(mine: NDArray[np.int32], theirs: NDArray[np.int32], weights: FloatArray) -> FloatArray:
    total = weights.sum()
    if total <= 0:
        return np.full(len(mine), np.nan)
    by_code = np.bincount(theirs, weights, minlength=int(mine.max(initial=0)) + 1) / total
    by_code[0] = 0.0
    return np.asarray(by_code[mine])


def _category_heat(context: RankingContext) -> FloatArray:
    """Click-through of the category of each candidate in the last hour and in the last days [n, 2]."""
    groups = context.state.catalog.category[context.rows] + FIRST_CATEGORY
    counters = context.state.counters
    counts_gch = counters.read_groups(np.arange(len(counters.groups)), context.as_of)
    rates_gh = (counts_gch[:, ATTRIBUTED_CLICKS] + 1) / (counts_gch[:, IMPRESSIONS] + 10)
    return np.asarray(rates_gh[:, (_HOUR, _TWO_DAYS)][groups])


FAMILY = Family(
    "affinity",
    (
        "category_attention",
        "subcategory_attention",
        "category_share",
        "category_share_recent",
        "source_attention",
        "category_attention_setwise",
        "subcategory_attention_setwise",
        "category_ctr_1h",
        "category_ctr_2d",
    ),
    _compute,
)
