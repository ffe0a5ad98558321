"""The history a request is answered with: the stored one of its reader, or the one it brings along."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import MINUTE, HistoryItem, RankRequest
from recsys.feed.vectors import VectorTable
from recsys.preference.match import Reads
from recsys.state.histories import History
from recsys.state.kinds import CLICKED, HIDDEN, READ
from recsys.state.live import LiveState

LENGTH = 50
"""Readings that are looked at."""

_HOUR = 60.0 * MINUTE


def history_of(state: LiveState, request: RankRequest) -> History:
    """The history handed in with `request`, else the stored one of its reader."""
    if request.history is None:
        return state.history(request.reader, LENGTH)
    return _handed_in(state, request.history[-LENGTH:], request.as_of)


def attended(history: History) -> History:
    """What the reader gave attention to: the history without what they hid or disliked."""
    return history.where((history.flags & HIDDEN) == 0)


def reads_of(history: History, vectors: VectorTable, as_of: int) -> tuple[Reads, NDArray[np.intp]]:
    """What interest models see of a history, and its places there: only what has a vector."""
    places = np.flatnonzero(vectors.has(history.article))
    age = np.maximum((as_of - history.opened[places]) / _HOUR, 0.0)
    return Reads(vectors.take(history.article[places]), history.seconds[places], age), places


def _handed_in(state: LiveState, items: tuple[HistoryItem, ...], as_of: int) -> History:
    """Items without a time are taken as a minute apart, the last one a minute ago; ids never met say nothing."""
    items = tuple(item for item in items if state.articles.get(item.id) > 0)
    count = len(items)
    seconds = np.asarray([np.nan if item.seconds is None else item.seconds for item in items], dtype=np.float64)
    opened = [
        as_of - (count - i) * MINUTE if item.at is None else min(item.at, as_of) for i, item in enumerate(items)
    ]
    return History(
        article=state.rows_of([item.id for item in items]),
        opened=np.asarray(opened, dtype=np.int64),
        seconds=seconds,
        scroll=np.full(count, np.nan),
        flags=np.where(np.isnan(seconds), CLICKED, CLICKED | READ).astype(np.uint8),
    )
