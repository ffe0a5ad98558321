"""Place in the slate: read when training on ordered slates, a constant when serving.

The one sanctioned difference between training and serving: it lets the model explain clicks by place, so that the
other features need not. Slates whose order means nothing have no position at all.
"""

import numpy as np

from recsys.ranking.query import Family, FeatureInput, FloatArray

POSITION = "position"
SERVING_POSITION = 0.0


def _compute(inputs: FeatureInput) -> FloatArray:
    if inputs.candidates.positions is None:
        return np.full((len(inputs.candidates), 1), SERVING_POSITION)
    return inputs.candidates.positions[:, None]


FAMILY = Family("position", (POSITION,), _compute)
