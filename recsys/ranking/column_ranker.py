"""Rankers by one feature: what serves when trees have too little to learn from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray

UNKNOWN_SCORE = -1e6
"""Score of a candidate that a system knows nothing about: behind all others."""


@dataclass(slots=True)
class ColumnRanker:
    """Ranker by the feature `column`, largest first; unknown values come last."""

    name: str
    column: str
    listwise: bool = False

    def score(self, features: FloatArray) -> FloatArray:
        """Implement `Ranker.score`."""
        values = features[:, ALL_FEATURES.names.index(self.column)]
        return np.where(np.isnan(values), UNKNOWN_SCORE, values)


NETWORK, CONTENT_MATCH = "nrms", "content_match"
"""Names in reports: the preference network alone, and the untrained match alone."""

COLUMN_RANKERS: Mapping[str, ColumnRanker] = {
    NETWORK: ColumnRanker(NETWORK, "preference"),
    CONTENT_MATCH: ColumnRanker(CONTENT_MATCH, "content"),
}
