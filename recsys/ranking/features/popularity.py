"""Popularity of an article among all readers: decayed clicks and click-through rates at several half-lives.

Shares are relative to the clicks and exposures of all articles: unlike counts they do not grow with the log.
"""

import numpy as np

from recsys.constants import HALF_LIFE_NAMES, HalfLife
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.event_codes import ATTRIBUTED_CLICKS, CLICKS, IMPRESSIONS, READ_SECONDS, READS
from recsys.state.live_state import GLOBAL_GROUP

_EXPOSURE = (HalfLife.HOUR_1, HalfLife.HOURS_4)
"""Half-lives of the exposure counts, which show how prominently an article is placed."""

_PRIOR_IMPRESSIONS = 10.0
_PRIOR_READS = 3.0
_SMALL_SHARE = 0.05


def _compute(inputs: FeatureInput) -> FloatArray:
    counts_nch = inputs.state.counters.read(inputs.candidates.rows, inputs.query.as_of)
    all_ch = inputs.state.counters.read_groups(np.asarray([GLOBAL_GROUP]), inputs.query.as_of)[0]
    clicks_nh, attributed_nh, shown_nh = (counts_nch[:, c] for c in (CLICKS, ATTRIBUTED_CLICKS, IMPRESSIONS))
    # shrunk toward the rate of all articles, so that one click on one impression does not give 100%
    overall_h = all_ch[ATTRIBUTED_CLICKS] / np.maximum(all_ch[IMPRESSIONS], 1.0)
    # two clicks may belong to one impression: the rate is at most 1
    rate_nh = np.minimum((attributed_nh + _PRIOR_IMPRESSIONS * overall_h) / (shown_nh + _PRIOR_IMPRESSIONS), 1.0)
    mean_dwell_h = all_ch[READ_SECONDS] / np.maximum(all_ch[READS], 1.0)
    dwell_nh = (counts_nch[:, READ_SECONDS] + _PRIOR_READS * mean_dwell_h) / (counts_nch[:, READS] + _PRIOR_READS)
    blocks = (
        np.log1p(clicks_nh),
        rate_nh,
        inputs.percentiles(np.concatenate((clicks_nh, rate_nh, shown_nh[:, _EXPOSURE]), axis=1)),
        np.log((clicks_nh + _SMALL_SHARE) / (all_ch[CLICKS] + 1)),
        np.log((shown_nh + _SMALL_SHARE) / (all_ch[IMPRESSIONS] + 1)),
        dwell_nh[:, HalfLife.DAYS_2 :],
        (np.log1p(clicks_nh[:, HalfLife.MINUTES_15] * 16) - np.log1p(clicks_nh[:, HalfLife.HOURS_4]))[:, None],
    )
    return np.concatenate(blocks, axis=1)


FAMILY = Family(
    "popularity",
    (
        *(f"clicks_{name}" for name in HALF_LIFE_NAMES),
        *(f"ctr_{name}" for name in HALF_LIFE_NAMES),
        *(f"clicks_{name}_listwise" for name in HALF_LIFE_NAMES),
        *(f"ctr_{name}_listwise" for name in HALF_LIFE_NAMES),
        *(f"impressions_{HALF_LIFE_NAMES[h]}_listwise" for h in _EXPOSURE),
        *(f"click_share_{name}" for name in HALF_LIFE_NAMES),
        *(f"impression_share_{name}" for name in HALF_LIFE_NAMES),
        "dwell_2d",
        "dwell_7d",
        "click_velocity",
    ),
    _compute,
)
