"""The seam between features and whatever turns them into one score."""

from typing import Protocol

from recsys.ranking.ranking_context import FloatArray


class Ranker(Protocol):
    """Features [n, f] of `features.schema.ALL_FEATURES` → scores [n], larger is better.

    setwise: whether it looks at columns that depend on the other candidates; if not, they may be NaN.
    """

    name: str
    listwise: bool

    def score(self, features: FloatArray) -> FloatArray:
        """Scores of candidates, each by its own row alone: those of several requests may come together."""
        ...
