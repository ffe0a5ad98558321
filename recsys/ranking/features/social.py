"""Social features: the author and the reader, the reader's circle, and the conversation.

All are NaN if no article is a reply or names its thread, so that a newspaper's trees do not see them; those of an
author are NaN for an article without one.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.ranking.social_circle import SocialCircle, is_social
from recsys.state.exposures import SKIPPED

_PRIOR_SHOWN, _PRIOR_OPENED = 10.0, 1.0

NAMES = (
    "author_followed",
    "author_follows_you",
    "author_openings",
    "author_attention",
    "author_in_circle",
    "author_followers",
    "circle_likes",
    "conversation_depth",
    "own_thread",
)


def _compute(inputs: FeatureInput) -> FloatArray:
    state, query, rows = inputs.state, inputs.query, inputs.candidates.rows
    if not is_social(state, query.as_of):
        return np.full((len(rows), len(NAMES)), np.nan)
    circle = query.circle
    author = state.catalog.author[rows].astype(np.int64)
    by_author = np.column_stack(
        (
            np.isin(author, circle.authors),
            _follows_back(inputs, author, circle.me),
            _openings(inputs, author),
            _attention(inputs, author),
            _in_circle(inputs, author, circle),
            np.log1p(state.follows.follower_counts(author)),
        )
    ).astype(np.float64)
    by_author[author < 0] = np.nan
    conversation = np.column_stack(
        (
            np.log1p(_likes(rows, circle)),
            np.log1p(state.conversations.depths()[rows]),
            np.isin(state.conversations.roots()[rows], circle.threads),
        )
    )
    return np.concatenate((by_author, conversation), axis=1)


def _follows_back(inputs: FeatureInput, author: NDArray[np.int64], me: int) -> NDArray[np.bool_]:
    """Return True for each author [n] who follows the reader."""
    state = inputs.state
    distinct, places = np.unique(author, return_inverse=True)
    names = state.catalog.authors.strings
    readers = state.readers.lookup([names[code] if code >= 0 else "" for code in distinct.tolist()])
    return state.follows.follows(readers, np.asarray(me))[places]


def _openings(inputs: FeatureInput, author: NDArray[np.int64]) -> FloatArray:
    """Return the share of the author's articles shown to the reader that the reader opened, shrunk to 10% [n]."""
    seen = inputs.state.exposures.outcomes(inputs.query.reader)
    codes = inputs.state.catalog.author[seen.article].astype(np.int64)
    shown = _by_author(author, codes, np.ones(len(codes)))
    opened = _by_author(author, codes, (seen.outcome != SKIPPED).astype(np.float64))
    return (opened + _PRIOR_OPENED) / (shown + _PRIOR_SHOWN)


def _attention(inputs: FeatureInput, author: NDArray[np.int64]) -> FloatArray:
    """Return the share of the reader's past readings that are of the author [n]; NaN without a history."""
    history = inputs.query.history
    if not len(history):
        return np.full(len(author), np.nan)
    codes = inputs.state.catalog.author[history.article].astype(np.int64)
    return _by_author(author, codes, np.full(len(codes), 1.0 / len(codes)))


def _by_author(author: NDArray[np.int64], codes: NDArray[np.int64], weights: FloatArray) -> FloatArray:
    """Return the sum of the `weights` [h] whose code is that of each author [n]."""
    distinct, places = np.unique(codes, return_inverse=True)
    if not len(distinct):
        return np.zeros(len(author))
    sums = np.bincount(places, weights, minlength=len(distinct))
    found = np.minimum(np.searchsorted(distinct, author), len(distinct) - 1)
    return np.where(distinct[found] == author, sums[found], 0.0)


def _in_circle(inputs: FeatureInput, author: NDArray[np.int64], circle: SocialCircle) -> FloatArray:
    """Return the share of the people in the circle who follow the author [n]; NaN without people."""
    if not len(circle.people):
        return np.full(len(author), np.nan)
    distinct, places = np.unique(author, return_inverse=True)
    shares = inputs.state.follows.follows(circle.people[:, None], distinct[None, :]).mean(axis=0)
    return np.asarray(shares[places], dtype=np.float64)


def _likes(rows: NDArray[np.int64], circle: SocialCircle) -> NDArray[np.int64]:
    """Return the number of people in the circle who liked each article [n]."""
    if not len(circle.liked):
        return np.zeros(len(rows), dtype=np.int64)
    places = np.minimum(np.searchsorted(circle.liked, rows), len(circle.liked) - 1)
    return np.where(circle.liked[places] == rows, circle.likes[places], 0)


FAMILY = Family("social", NAMES, _compute)
