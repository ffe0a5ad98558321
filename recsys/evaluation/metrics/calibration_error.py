"""Expected calibration error of click probabilities, over all candidates."""

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.evaluation.scored_slates import Bools, Floats


def expected_calibration_error(probabilities: Floats, clicked: Bools | Floats, bins: int = 15) -> float:
    """Return the mean gap between predicted and observed click rate, over bins of equal mass.

    ECE of Naeini et al. (2015) with the equal-mass bins of Nguyen and O'Connor (2015): clicks are rare, so the
    first of equal-width bins would contain almost everything. Equal probabilities share a bin, so the order of
    rows has no effect.

    Args:
        probabilities: float64 [N] in 0..1.
        clicked: bool [N]; or expected values between 0 and 1, float64 [N].
        bins: number of bins.

    Returns:
        The error in 0..1; NaN without rows.

    Raises:
        DataError: a probability is NaN or outside 0..1.
    """
    if not len(probabilities):
        return float("nan")
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise DataError("calibration needs click probabilities in 0..1, not raw scores")
    bin_of = _equal_mass_bins(probabilities, bins)
    predicted = np.bincount(bin_of, weights=probabilities, minlength=bins)
    observed = np.bincount(bin_of, weights=clicked, minlength=bins)
    return float(np.abs(predicted - observed).sum() / len(probabilities))


def _equal_mass_bins(values: Floats, bins: int) -> NDArray[np.int64]:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.asarray(middle * bins / len(values), dtype=np.int64)[group]
