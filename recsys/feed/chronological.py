"""Chronological control: the newest posts of people whom the reader follows, without any model."""

import numpy as np
from numpy.typing import NDArray

from recsys.feed.retrieval import fresh
from recsys.ranking.query import Query
from recsys.state.live_state import LiveState


def chronological(state: LiveState, query: Query, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the `count` newest of `rows` by followed authors, newest first; then the newest of all others."""
    followed = np.isin(state.catalog.author[rows], query.circle.authors)
    first = fresh(state, rows[followed], count)
    return np.concatenate((first, fresh(state, rows[~followed], count - len(first))))
