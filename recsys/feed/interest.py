"""Interest of a reader in candidates, as the features take it."""

import numpy as np
from numpy.typing import NDArray

from recsys.feed.vectors import VectorTable
from recsys.preference.content import ContentMatcher
from recsys.preference.match import Matcher, Reads
from recsys.reranker.context import InterestScores


def interest_scores(
    matcher: Matcher, reads: Reads, vectors: VectorTable, rows: NDArray[np.int64], as_of: int
) -> InterestScores:
    """Match scores of candidates `rows` [n]; NaN for those without a vector, 0 for all without a history."""
    known = vectors.has(rows)
    candidates = vectors.take(rows[known])
    cosines = (candidates @ reads.vectors.T).astype(np.float64) if len(reads) else None
    return InterestScores(
        preference=_spread(known, matcher.match(reads, candidates, as_of).scores),
        content=_spread(known, ContentMatcher().match(reads, candidates, as_of).scores),
        nearest=_spread(known, np.full(len(candidates), np.nan) if cosines is None else cosines.max(axis=1)),
        last=_spread(known, np.full(len(candidates), np.nan) if cosines is None else cosines[:, -1]),
    )


def _spread(known: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(len(known), np.nan)
    out[known] = values
    return out
