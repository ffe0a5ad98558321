"""How much attention all readers give an article: decayed clicks and click-through at several half-lives.

Shares are of the clicks and exposures of all articles: unlike counts they do not grow with the log.
"""

import numpy as np

from recsys.ranking.ranking_context import Family, FloatArray, RankingContext
from recsys.state.event_codes import ATTRIBUTED_CLICKS, CLICKS, IMPRESSIONS, READ_SECONDS, READS
from recsys.state.live_state import GLOBAL_GROUP

_NAMES = ("15m", "1h", "4h", "12h", "2d", "7d")
_PLACING = (1, 2)
"""Half-lives over which exposures tell how prominent a place an article has among the candidates."""

_PRIOR_IMPRESSIONS = 10.0
_PRIOR_READS = 3.0
_SMALL_SHARE = 0.05


def _compute(context: RankingContext) -> FloatArray:
    counts_nch = context.state.counters.read(context.rows, context.as_of)
    all_ch = context.state.counters.read_groups(np.asarray([GLOBAL_GROUP]), context.as_of)[0]
    clicks_nh, answers_nh, shown_nh = (counts_nch[:, c] for c in (CLICKS, ATTRIBUTED_CLICKS, IMPRESSIONS))
    # shrunk toward the click-through of all articles, so that one lucky click is not a rate of 100%
    overall_h = all_ch[ATTRIBUTED_CLICKS] / np.maximum(all_ch[IMPRESSIONS], 1.0)
    # clicked twice is still one answer of one exposure
    rate_nh = np.minimum((answers_nh + _PRIOR_IMPRESSIONS * overall_h) / (shown_nh + _PRIOR_IMPRESSIONS), 1.0)
    habit_h = all_ch[READ_SECONDS] / np.maximum(all_ch[READS], 1.0)
    dwell_nh = (counts_nch[:, READ_SECONDS] + _PRIOR_READS * habit_h) / (counts_nch[:, READS] + _PRIOR_READS)
    blocks = (
        np.log1p(clicks_nh),
        rate_nh,
        context.percentiles(np.concatenate((clicks_nh, rate_nh, shown_nh[:, _PLACING]), axis=1)),
        np.log((clicks_nh + _SMALL_SHARE) / (all_ch[CLICKS] + 1)),
        np.log((shown_nh + _SMALL_SHARE) / (all_ch[IMPRESSIONS] + 1)),
        dwell_nh[:, -2:],
        (np.log1p(clicks_nh[:, 0] * 16) - np.log1p(clicks_nh[:, 2]))[:, None],
    )
    return np.concatenate(blocks, axis=1)


FAMILY = Family(
    "popularity",
    (
        *(f"clicks_{name}" for name in _NAMES),
        *(f"ctr_{name}" for name in _NAMES),
        *(f"clicks_{name}_setwise" for name in _NAMES),
        *(f"ctr_{name}_setwise" for name in _NAMES),
        *(f"impressions_{_NAMES[h]}_setwise" for h in _PLACING),
        *(f"click_share_{name}" for name in _NAMES),
        *(f"impression_share_{name}" for name in _NAMES),
        "dwell_2d",
        "dwell_7d",
        "click_velocity",
    ),
    _compute,
)
