"""Examination probability: the chance that a reader looks at a place of a slate.

Position-based model (Craswell et al. 2008) with the power law of Joachims et al. (2017), ``place^−0.35``: a
default, not fitted to a log. Skips far down count less, because few readers looked there. Clicks are not weighted
by the inverse probability: that is unbiased too, but noisier. Without a meaningful order, every place counts
fully.
"""

import numpy as np
from numpy.typing import NDArray

DECAY_EXPONENT = 0.35
MOST_PLACES = 255
"""Places beyond this one get its examination probability."""

_EXAMINATION = np.concatenate(([1.0], np.arange(1, MOST_PLACES + 1) ** -DECAY_EXPONENT))

EXAMINATION: list[float] = _EXAMINATION.tolist()
"""Examination probability by place from 1; place 0 stands for slates without an order."""


def examination_probability(places: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the examination probability for each of `places` [n]."""
    return np.asarray(_EXAMINATION.take(places, mode="clip"))
