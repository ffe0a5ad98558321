"""How much of the reader's past attention went to the candidate's category, subcategory and source.

Past attention is counted twice: every reading as one, and every reading as its dwell, faded over a week.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.reranker.context import Family, FloatArray, RankingContext, setwise_percentiles
from recsys.state.kinds import CLICKS, IMPRESSIONS
from recsys.state.live import FIRST_CATEGORY, MAX_READ_SECONDS

_UNKNOWN_SECONDS = 20.0
_FADE = 7 * DAY
_RECENT = 5
_HOUR, _TWO_DAYS = 1, 4


def _compute(context: RankingContext) -> FloatArray:
    catalog, history = context.state.catalog, context.history
    seconds = np.where(np.isnan(history.seconds), _UNKNOWN_SECONDS, history.seconds)
    faded = np.exp2(-(context.as_of - history.opened) / _FADE)
    attention = np.log1p(np.minimum(seconds, MAX_READ_SECONDS)) * faded
    read, ones = history.article, np.ones(len(history))
    category = _share(catalog.category, context.rows, read, attention)
    subcategory = _share(catalog.subcategory, context.rows, read, attention)
    return np.column_stack(
        [
            category,
            subcategory,
            _share(catalog.category, context.rows, read, ones),
            _share(catalog.category, context.rows, read[-_RECENT:], ones[-_RECENT:]),
            _share(catalog.source, context.rows, read, attention),
            setwise_percentiles(np.column_stack((category, subcategory))),
            _category_heat(context),
        ]
    )


def _share(
    codes: NDArray[np.int32], rows: NDArray[np.int64], read: NDArray[np.int64], weights: FloatArray
) -> FloatArray:
    """Share [n] of the weight of what was read that has the code of each of `rows`; an unknown code has none."""
    total = weights.sum()
    if total <= 0:
        return np.full(len(rows), np.nan)
    mine, theirs = codes[rows] + 1, codes[read] + 1
    by_code = np.bincount(theirs, weights, minlength=int(mine.max(initial=0)) + 1)
    by_code[0] = 0.0
    return np.asarray(by_code[mine] / total)


def _category_heat(context: RankingContext) -> FloatArray:
    """Click-through of the candidate's category in the last hour and the last days, and its share of clicks."""
    groups = context.state.catalog.category[context.rows] + FIRST_CATEGORY
    counters = context.state.counters
    counts_gch = counters.read_groups(np.arange(len(counters.groups)), context.as_of)
    rates_gh = (counts_gch[:, CLICKS] + 1) / (counts_gch[:, IMPRESSIONS] + 10)
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
