"""Interest scores of candidates, for the feature stage."""

import numpy as np
from numpy.typing import NDArray

from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import InterestScores
from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.matcher import Matcher, ReadHistory


def interest_scores(
    matcher: Matcher, reads: ReadHistory, vectors: VectorTable, rows: NDArray[np.int64], as_of: int
) -> InterestScores:
    """Return match scores of candidates `rows` [n]: NaN without a vector; without a history, 0 for all."""
    known = vectors.has(rows)
    candidates = vectors.take(rows[known])
    if not len(reads) or not len(candidates):
        zero, unknown = _spread(known, np.zeros(len(candidates))), np.full(len(rows), np.nan)
        return InterestScores(zero, zero, unknown, unknown)
    cosines_nh = (candidates @ reads.vectors.T).astype(np.float64)
    untrained = ContentMatcher()
    content = untrained.of_cosines(cosines_nh, untrained.prior(reads))
    # an untrained engine uses the content match as preference: compute it once
    preference = content if isinstance(matcher, ContentMatcher) else matcher.match(reads, candidates, as_of)
    return InterestScores(
        preference=_spread(known, preference.scores),
        content=_spread(known, content.scores),
        nearest=_spread(known, cosines_nh.max(axis=1)),
        last=_spread(known, cosines_nh[:, -1]),
    )


def _spread(known: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(len(known), np.nan)
    out[known] = values
    return out
