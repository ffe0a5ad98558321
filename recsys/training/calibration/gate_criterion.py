"""The rule of never hurting, by which parts of the calibration are switched on."""

from recsys.evaluation.bootstrap import Interval

LEAST_CLEAN = -0.002
"""A tighter margin is inside the noise of a few thousand slates."""

MOST_GROWTH = 1.10


def passes(clean: Interval, robust: Interval, growth: float = 1.0) -> bool:
    """Whether a part may be on.

    clean: change of AUC on undamaged data; robust: gain on damaged data; growth: factor by which the 95th
    percentile of a request's time grows, 1 for what requests never see.
    """
    return clean.low >= LEAST_CLEAN and robust.low > 0 and growth <= MOST_GROWTH
