"""How well a candidate's text matches what was read: the preference network and the untrained match."""

import numpy as np

from recsys.ranking.ranking_context import Family, FloatArray, RankingContext


def _compute(context: RankingContext) -> FloatArray:
    scores = context.interest
    return np.column_stack(
        [
            scores.preference,
            scores.content,
            scores.nearest,
            scores.last,
            context.percentiles(np.column_stack((scores.preference, scores.content))),
        ]
    )


FAMILY = Family(
    "interest",
    ("preference", "content", "nearest_read", "last_read", "preference_setwise", "content_setwise"),
    _compute,
)
