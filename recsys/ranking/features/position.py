"""Position in the slate: known when training on ordered slates, a constant when serving.

The only intended difference between training and serving: the model explains clicks by position, so that the other
features need not. Slates without a meaningful order have no position.
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
