"""Field weights: an abstract that contradicts an unsuspicious headline counts less in the article's vector.

With the cosine c of headline h and abstract a (unit vectors), and limits low < high from normal articles:

    w  = clip((high − c) / (high − low), 0, 1),   0 if the headline is flagged or there is no abstract
    a' = unit((1 − w) · a + w · h)

So the vector is that of the plain encoder where nothing contradicts (w = 0), and that of an article without an
abstract where everything does (w = 1). If the headline itself is flagged, the abstract is what is left to rely on.

A training switches field weights on only if they help (`recsys/training/calibration/field_gate.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_LOW, _HIGH = 0.01, 0.05
"""Shares of normal articles whose abstract counts for nothing, and whose abstract counts less."""


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """Limits of the cosine: from `high` on nothing changes, below `low` only the headline counts.

    By default no cosine is below them, so nothing loses weight.
    """

    low: float = -1.0
    high: float = -1.0

    @classmethod
    def fitted(cls, headlines_nd: Vectors, abstracts_nd: Vectors) -> "FieldWeights":
        """Return the limits for normal articles: unit vectors [n, d], zero for a missing abstract."""
        there = abstracts_nd.any(axis=1)
        cosines = (headlines_nd[there] * abstracts_nd[there]).sum(axis=1)
        if not len(cosines):
            return cls()
        return cls(float(np.quantile(cosines, _LOW)), float(np.quantile(cosines, _HIGH)))

    def lost(
        self, headlines_nd: Vectors, abstracts_nd: Vectors, flagged: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the weight w [n] that moves from abstract to headline; flagged: suspicious headlines [n]."""
        cosines = (headlines_nd * abstracts_nd).sum(axis=1).astype(np.float64)
        weight = np.clip((self.high - cosines) / max(self.high - self.low, 1e-9), 0.0, 1.0)
        return np.where(abstracts_nd.any(axis=1) & ~flagged, weight, 0.0)

    def apply(self, headlines_nd: Vectors, abstracts_nd: Vectors, flagged: NDArray[np.bool_]) -> Vectors:
        """Return the abstracts [n, d] as they count; those that lose nothing are returned as they are."""
        weight_n = self.lost(headlines_nd, abstracts_nd, flagged)
        moved = weight_n > 0
        out = abstracts_nd.copy()
        weight_m1 = weight_n[moved, None].astype(np.float32)
        mixed = (1 - weight_m1) * abstracts_nd[moved] + weight_m1 * headlines_nd[moved]
        out[moved] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
        return out


def apply_by_fold(
    weights: Sequence[FieldWeights],
    folds: NDArray[np.int64],
    headlines_nd: Vectors,
    abstracts_nd: Vectors,
    flagged: NDArray[np.bool_],
) -> Vectors:
    """Return the abstracts [n, d] as the weights of their own fold [n] count them."""
    out = abstracts_nd.copy()
    for fold, each in enumerate(weights):
        own = folds == fold
        out[own] = each.apply(headlines_nd[own], abstracts_nd[own], flagged[own])
    return out
