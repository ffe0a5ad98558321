"""How much of the reader's past attention went to the candidate's category, subcategory and source.

Past attention is counted twice: every reading as one, and every reading as its dwell, faded over a week.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.reranker.context import Family, FloatArray, RankingContext, setwise_percentile
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
    same_category_nh = _same(catalog.category, context.rows, history.article)
    same_subcategory_nh = _same(catalog.subcategory, context.rows, history.article)
    same_source_nh = _same(catalog.source, context.rows, history.article)
    category = _share(same_category_nh, attention)
    subcategory = _share(same_subcategory_nh, attention)
    return np.column_stack(
        [
            category,
            subcategory,
            _share(same_category_nh, np.ones(len(history))),
            _share(same_category_nh[:, -_RECENT:], np.ones(min(len(history), _RECENT))),
            _share(same_source_nh, attention),
            setwise_percentile(category),
            setwise_percentile(subcategory),
            *_category_heat(context).T,
        ]
    )


def _same(codes: NDArray[np.int32], rows: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.bool_]:
    mine_n1 = codes[rows][:, None]
    return np.asarray((mine_n1 == codes[read][None, :]) & (mine_n1 >= 0))


def _share(same_nh: NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    total = weights.sum()
    return same_nh @ weights / total if total > 0 else np.full(len(same_nh), np.nan)


def _category_heat(context: RankingContext) -> FloatArray:
    """Click-through of the candidate's category in the last hour and the last days, and its share of clicks."""
    groups = context.state.catalog.category[context.rows] + FIRST_CATEGORY
    counts_nch = context.state.counters.read_groups(groups, context.as_of)
    rates = (counts_nch[:, CLICKS] + 1) / (counts_nch[:, IMPRESSIONS] + 10)
    return np.column_stack([rates[:, _HOUR], rates[:, _TWO_DAYS]])


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
