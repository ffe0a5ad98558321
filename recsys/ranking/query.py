"""Values that the stages of ranking pass on: the query, and its candidates.

A `Query` is a request resolved against the state at one time. `Candidates` are articles as dense rows, with the
results of the stages so far. Stages read both and return new ones; rows become ids once, at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recsys.domain import Preferences
from recsys.ranking.social_circle import NOBODY, SocialCircle
from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN
from recsys.user_model.matcher import ReadHistory

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Resolved request.

    request_id: seed of its random numbers. as_of: microseconds. reader: dense id, negative if unknown. history:
    the reader's reads, oldest first, without hidden articles [h]. interactions: all of them, dense article ids
    [m]. reads: the reads whose article has a vector, at `read_places` of `history`. context_article: dense id of
    the article that the reader has open, negative if none. preferences: subjects followed, focused or muted.
    circle: `NOBODY` for a newspaper and for an unknown reader.
    """

    request_id: str
    as_of: int
    reader: int
    history: History
    interactions: NDArray[np.int64]
    reads: ReadHistory
    read_places: NDArray[np.intp]
    device: str | None = None
    context_article: int = UNKNOWN
    preferences: Preferences = field(default_factory=Preferences)
    circle: SocialCircle = NOBODY


@dataclass(frozen=True, slots=True)
class InterestScores:
    """Match of candidates with the reader. All [n].

    preference: user model; content: untrained match (both 0 without history); mean, nearest, last: cosine to the
    mean of the reads, to the nearest and to the last one (NaN without history or vector). taste, taste_expected,
    passed: see `kernel_taste.KernelTaste`.
    """

    preference: FloatArray
    content: FloatArray
    mean: FloatArray
    nearest: FloatArray
    last: FloatArray
    taste: FloatArray
    taste_expected: FloatArray
    passed: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Articles of one query, in one order; all arrays are aligned with its n rows.

    rows: dense article ids. sources: retrieval source of each, empty before retrieval. interest and features: set
    by the feature stage. scores: set by the score stage. positions: place in the shown slate, only when training
    on ordered slates (the only intended difference between training and serving).
    """

    rows: NDArray[np.int64]
    sources: tuple[str, ...] = ()
    interest: InterestScores | None = None
    positions: FloatArray | None = None
    features: FloatArray | None = None
    scores: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Sequence[int] | NDArray[np.intp]) -> "Candidates":
        """Return the candidates at `places`, in that order, with their sources and scores."""
        at = np.asarray(places, dtype=np.intp)
        sources = tuple([self.sources[place] for place in at.tolist()]) if self.sources else ()
        scores = None if self.scores is None else self.scores[at]
        return Candidates(rows=self.rows[at], sources=sources, scores=scores)

    def joined(self, others: "Candidates") -> "Candidates":
        """Return these candidates, then `others`: with their sources, and with scores if both have them."""
        both = self.scores is not None and others.scores is not None
        return Candidates(
            rows=np.append(self.rows, others.rows),
            sources=self.sources + others.sources,
            scores=np.append(np.asarray(self.scores), np.asarray(others.scores)) if both else None,
        )

    def scored(self, scores: FloatArray) -> "Candidates":
        """Return the same candidates with `scores` [n], without their features."""
        return replace(self, scores=scores, features=None, interest=None)


@dataclass(frozen=True, slots=True)
class FeatureInput:
    """Arguments of every feature family; read only.

    listwise: False if the ranker uses no percentiles among the candidates; those columns are then NaN.
    """

    state: LiveState
    query: Query
    candidates: Candidates
    listwise: bool = True

    def percentiles(self, columns_nk: FloatArray) -> FloatArray:
        """Return `listwise_percentiles` of `columns_nk` [n, k], or NaN if they are not needed."""
        return listwise_percentiles(columns_nk) if self.listwise else np.full(columns_nk.shape, np.nan)


@dataclass(frozen=True, slots=True)
class Family:
    """Feature family: one column per name, [n, len(names)] from `compute`."""

    name: str
    names: tuple[str, ...]
    compute: Callable[[FeatureInput], FloatArray]


def listwise_percentiles(columns_nk: FloatArray) -> FloatArray:
    """Return the share of candidates below each candidate, by column [n, k]; ties count half.

    NaN stays NaN and is not counted.
    """
    values_kn = np.ascontiguousarray(columns_nk.T)
    row_k1 = np.arange(values_kn.shape[0])[:, None] * values_kn.shape[1]
    best_last = (np.argsort(values_kn, axis=1) + row_k1).reshape(-1)
    sorted_kn = values_kn.reshape(-1)[best_last].reshape(values_kn.shape)
    # runs of equal values over all columns in one row; each column begins a new run
    begins_kn = np.ones(sorted_kn.shape, dtype=np.bool_)
    np.not_equal(sorted_kn[:, 1:], sorted_kn[:, :-1], out=begins_kn[:, 1:])
    first = np.flatnonzero(begins_kn)
    behind = np.append(first[1:], begins_kn.size)
    below_and_upto_kn = np.repeat(first + behind, behind - first).reshape(values_kn.shape) - 2 * row_k1
    unknown_kn = np.isnan(sorted_kn)
    known_k1 = np.count_nonzero(~unknown_kn, axis=1, keepdims=True)
    shares_kn = below_and_upto_kn / np.maximum(2 * known_k1, 1)
    shares_kn[unknown_kn] = np.nan
    out = np.empty(values_kn.size)
    out[best_last] = shares_kn.reshape(-1)
    return out.reshape(values_kn.shape).T
