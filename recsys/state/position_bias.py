"""How likely a reader was to look at a place of a slate.

The position-based model (Craswell et al. 2008) with the power law of Joachims et al. (2017): ``place^−0.35``, a
default and not fitted to a log. A pass far down says little, since hardly anyone looked; so passes are discounted.
Clicks are not weighted up by the inverse, which is unbiased too and noisier. Where the order of a slate means
nothing, every place counts in full.
"""

import numpy as np
from numpy.typing import NDArray

FALLING = 0.35
MOST_PLACES = 255
"""Places beyond this one are looked at as often as this one."""

_EXAMINATION = np.concatenate(([1.0], np.arange(1, MOST_PLACES + 1) ** -FALLING))

EXAMINATION: list[float] = _EXAMINATION.tolist()
"""Chance of a look, by place from 1; place 0 is that of slates without an order."""


def examination_probability(places: NDArray[np.integer]) -> NDArray[np.float64]:
    """Chance of a look for each of `places` [n]."""
    return np.asarray(_EXAMINATION.take(places, mode="clip"))
