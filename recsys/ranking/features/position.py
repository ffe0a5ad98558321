"""Place in the slate: read when training on ordered slates, a constant when serving.

The one sanctioned difference between training and serving: it lets the model explain clicks by place, so that the
other features need not. Slates whose order means nothing have no position at all.
"""

import numpy as np

from recsys.ranking.ranking_context import Family, FloatArray, RankingContext

POSITION = "position"
SERVING_POSITION = 0.0


def _compute(context: RankingContext) -> FloatArray:
    if context.positions is None:
        return np.full((len(context), 1), SERVING_POSITION)
    return context.positions[:, None]


FAMILY = Family("position", (POSITION,), _compute)
