"""History of a request: the stored history of its reader, or the one that the request contains."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import MINUTE, HistoryItem, ReaderRequest
from recsys.projection.vector_table import VectorTable
from recsys.state.event_codes import CLICKED, HIDDEN, LIKED, READ
from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds
from recsys.user_model.dwell_quantiles import importance
from recsys.user_model.matcher import ReadHistory

LENGTH = 50
"""Number of newest reads that the models use."""

_HOUR = 60.0 * MINUTE


def history_of(state: LiveState, request: ReaderRequest) -> History:
    """Return the history in `request`, or else the stored one of its reader."""
    if request.history is None:
        return state.history(request.reader, LENGTH)
    return _from_request(state, request.history[-LENGTH:], request.as_of)


def without_hidden(history: History) -> History:
    """Return the history without articles that the reader hid or disliked."""
    return history.where((history.flags & HIDDEN) == 0)


def reads_of(
    state: LiveState, history: History, vectors: VectorTable, as_of: int
) -> tuple[ReadHistory, NDArray[np.intp]]:
    """Return the reads whose article has a vector, and their places in `history`."""
    places = np.flatnonzero(vectors.has(history.article))
    article = history.article[places]
    age = np.maximum((as_of - history.opened[places]) / _HOUR, 0.0)
    expected = expected_read_seconds(state, article, as_of)
    return ReadHistory.of(vectors.take(article), history.seconds[places], age, expected), places


def outcomes(history: History, reads: ReadHistory, places: NDArray[np.intp]) -> NDArray[np.int8]:
    """Return the importance [h] of `reads`, at `places` [h] of `history`: see `dwell_quantiles.importance`."""
    flags = history.flags[places]
    liked, hidden = (flags & LIKED) > 0, (flags & HIDDEN) > 0
    return importance(reads.seconds, reads.quantile, history.scroll[places], liked, hidden)


def _from_request(state: LiveState, items: tuple[HistoryItem, ...], as_of: int) -> History:
    """Return `items` as a history, without unknown ids.

    Items without a time are placed a minute apart, the last one a minute ago.
    """
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
