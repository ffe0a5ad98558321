"""Reader affinity: share of the reader's past attention to the candidate's category, subcategory and source.

Past attention is weighted in two ways: every read as one, and every read by its dwell, decayed over a week.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.constants import MAX_READ_SECONDS, UNMEASURED_DWELL_SECONDS, HalfLife
from recsys.domain import DAY
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.event_codes import ATTRIBUTED_CLICKS, IMPRESSIONS
from recsys.state.live_state import FIRST_CATEGORY

_HALF_LIFE = 7 * DAY
_RECENT = 5


def _compute(inputs: FeatureInput) -> FloatArray:
    catalog, history = inputs.state.catalog, inputs.query.history
    attention = decayed_attention(inputs)
    ones, recent = np.ones(len(history)), last_reads(inputs)
    category, plain, newest = _shares(catalog.category, inputs, (attention, ones, recent))
    (subcategory,) = _shares(catalog.subcategory, inputs, (attention,))
    (source,) = _shares(catalog.source, inputs, (attention,))
    listwise_n2 = inputs.percentiles(np.column_stack((category, subcategory)))
    return np.column_stack(
        [category, subcategory, plain, newest, source, listwise_n2, _category_rates(inputs)],
    )


def decayed_attention(inputs: FeatureInput) -> FloatArray:
    """Return the weight of each read [h]: the logarithm of its dwell, decayed with a half-life of a week."""
    history = inputs.query.history
    seconds = np.where(np.isnan(history.seconds), UNMEASURED_DWELL_SECONDS, history.seconds)
    decay = np.exp2(-(inputs.query.as_of - history.opened) / _HALF_LIFE)
    return np.asarray(np.log1p(np.minimum(seconds, MAX_READ_SECONDS)) * decay)


def last_reads(inputs: FeatureInput) -> FloatArray:
    """Return 1 for each of the last five reads and 0 for the others [h]."""
    recent = np.zeros(len(inputs.query.history))
    recent[-_RECENT:] = 1.0
    return recent


def _shares(
    codes: NDArray[np.int32], inputs: FeatureInput, weightings: tuple[FloatArray, ...]
) -> list[FloatArray]:
    """Return, for each weighting of the history, the share [n] of reads that have the candidate's code.

    An unknown code has share 0; if the weights sum to 0, all shares are NaN.
    """
    candidate_codes, read_codes = codes[inputs.candidates.rows] + 1, codes[inputs.query.history.article] + 1
    return [share_of_reads(candidate_codes, read_codes, weights) for weights in weightings]


def share_of_reads(
    candidate_codes: NDArray[np.int32], read_codes: NDArray[np.int32], weights: FloatArray
) -> FloatArray:
    """Return the share of the `weights` [h] of the reads that have each of `candidate_codes` [n] or [n, e].

    read_codes: one or several codes of each read, [h] or [h, e]. Code 0 is unknown and has share 0; if the weights
    sum to 0, all shares are NaN.
    """
    total = weights.sum()
    if total <= 0:
        return np.full(candidate_codes.shape, np.nan)
    each = np.repeat(weights, read_codes.size // len(weights))
    by_code = np.bincount(read_codes.ravel(), each, minlength=int(candidate_codes.max(initial=0)) + 1) / total
    by_code[0] = 0.0
    return np.asarray(by_code[candidate_codes])


def _category_rates(inputs: FeatureInput) -> FloatArray:
    """Return the click-through rate of each candidate's category over an hour and over two days [n, 2]."""
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
