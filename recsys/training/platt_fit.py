"""Fit of the score calibration (Platt 1999), apart from its use: scikit-learn takes seconds to load."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recsys.evaluation.platt import Platt
from recsys.evaluation.systems import UNKNOWN_SCORE


def fit_platt(scores: NDArray[np.float64], clicked: NDArray[np.bool_]) -> Platt:
    """Fit on scores [n] and clicks [n]; without both outcomes, return the base rate for all."""
    known = scores != UNKNOWN_SCORE
    base = float(clicked.mean()) if len(clicked) else 0.0
    values, outcomes = scores[known], clicked[known]
    spread = float(values.std()) if len(values) else 0.0
    if spread == 0 or outcomes.all() or not outcomes.any():
        odds = np.log(max(base, 1e-6) / max(1 - base, 1e-6))
        return Platt(0.0, float(odds), base)
    centre = float(values.mean())
    model = LogisticRegression(C=1e6).fit(((values - centre) / spread)[:, None], outcomes)
    slope = float(model.coef_[0, 0]) / spread
    return Platt(slope, float(model.intercept_[0]) - slope * centre, base)
