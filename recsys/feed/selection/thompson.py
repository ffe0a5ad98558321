"""Thompson sampling with known probabilities (Thompson 1933; Chapelle and Li, NeurIPS 2011).

Thompson sampling draws a value from the posterior of every arm and chooses the arm with the largest one. Here the
chance of each arm is computed first, and the arm is drawn from these chances: so its propensity is known exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from recsys.ranking.query import FloatArray

_CELLS, _LEAST_CELLS = 72, 6
"""Cells of the grid for all arms together, and at least for each."""

_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class BetaArms:
    """Arms [k] with Beta posteriors. cdf_kg: their distribution functions on one grid of values [k, g]."""

    cdf_kg: FloatArray

    @classmethod
    def of(cls, alpha: FloatArray, beta: FloatArray) -> "BetaArms":
        """Return arms with posteriors Beta(`alpha`, `beta`), both [k] and above 0."""
        if not len(alpha):
            return cls(np.zeros((0, 2)))
        # cells with about equal mass of every arm: posteriors may be wide or narrow, and far from each other
        cells = max(_CELLS // len(alpha), _LEAST_CELLS)
        levels = (np.arange(cells) + 0.5) / cells
        quantiles = betaincinv(alpha[:, None], beta[:, None], levels)
        grid = np.concatenate(([0.0], np.sort(quantiles, axis=None), [1.0]))
        return cls(betainc(alpha[:, None], beta[:, None], grid))

    def chances(self, arms: NDArray[np.intp]) -> FloatArray:
        """Return the chance [m] that each of `arms` [m] has the largest of one draw from every posterior.

        ``P(a) = ∫ f_a(x) ∏_{b≠a} F_b(x) dx``, by the midpoint rule on the grid. The chances sum to 1.
        """
        cdf_mg = self.cdf_kg[arms]
        middle = np.maximum((cdf_mg[:, 1:] + cdf_mg[:, :-1]) / 2, _SMALLEST)
        log_middle = np.log(middle)
        others = np.exp(log_middle.sum(axis=0) - log_middle)
        chances = (np.diff(cdf_mg, axis=1) * others).sum(axis=1)
        return np.asarray(chances / chances.sum())
