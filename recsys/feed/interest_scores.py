"""Interest scores of candidates, for the feature stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.projection.vector_table import VectorTable
from recsys.ranking.kernel_taste import KernelTaste, kernel_taste
from recsys.ranking.query import InterestScores, Query
from recsys.state.live_state import LiveState
from recsys.user_model.content_matcher import ContentMatcher, mean_match
from recsys.user_model.matcher import EVIDENCE, Matcher


@dataclass(frozen=True, slots=True)
class Matches:
    """Untrained matches of n candidates, all [n].

    known: candidates with a vector; vectors: theirs [known, d]; content: untrained match with the reads; mean,
    nearest, last: cosine to the mean of the reads, to the nearest and to the last one; taste: see `kernel_taste`.
    NaN where unknown.
    """

    known: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    content: NDArray[np.float64]
    mean: NDArray[np.float64]
    nearest: NDArray[np.float64]
    last: NDArray[np.float64]
    taste: KernelTaste

    @property
    def evidence(self) -> NDArray[np.float32]:
        """Evidence for the preference network [n, len(EVIDENCE)]; 0 where unknown."""
        columns = {"taste": self.taste.taste, "content": self.content, "mean": self.mean}
        return np.nan_to_num(np.column_stack([columns[name] for name in EVIDENCE])).astype(np.float32)


def interest_scores(
    matcher: Matcher, state: LiveState, query: Query, vectors: VectorTable, rows: NDArray[np.int64]
) -> InterestScores:
    """Return match scores of candidates `rows` [n]: NaN without a vector."""
    matches = matches_of(state, query, vectors, rows)
    known, reads = matches.known, query.reads
    content = np.where(known & (len(reads) == 0), 0.0, matches.content)
    if isinstance(matcher, ContentMatcher):
        preference = content  # the untrained engine's preference: compute it once
    else:
        match = matcher.match(reads, matches.vectors, query.as_of)
        preference = matcher.with_evidence(_spread(known, match.scores), matches.evidence, query.as_of)
    return InterestScores(
        preference=preference,
        content=content,
        mean=matches.mean,
        nearest=matches.nearest,
        last=matches.last,
        taste=matches.taste.taste,
        taste_expected=matches.taste.expected,
        passed=matches.taste.passed,
    )


def matches_of(state: LiveState, query: Query, vectors: VectorTable, rows: NDArray[np.int64]) -> Matches:
    """Return the untrained matches of candidates `rows` [n] with the reader of `query`."""
    known, reads = vectors.has(rows), query.reads
    candidates = vectors.take(rows[known])
    taste = kernel_taste(state, query.reader, vectors.on_axes, rows, vectors.space, query.as_of)
    if not len(reads) or not len(candidates):
        unknown = np.full(len(rows), np.nan)
        return Matches(known, candidates, unknown, unknown, unknown, unknown, taste)
    cosines_nh = (candidates @ reads.vectors.T).astype(np.float64)
    untrained = ContentMatcher(vectors.space.inverse_temperature)
    return Matches(
        known,
        candidates,
        content=_spread(known, untrained.of_cosines(cosines_nh, untrained.prior(reads)).scores),
        mean=_spread(known, mean_match(reads, candidates)),
        nearest=_spread(known, cosines_nh.max(axis=1)),
        last=_spread(known, cosines_nh[:, -1]),
        taste=taste,
    )


def _spread(known: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(len(known), np.nan)
    out[known] = values
    return out
