"""The history a request is answered with: the stored one of its reader, or the one it brings along."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import MINUTE, HistoryItem, RankRequest
from recsys.labels.grading import LabelRule
from recsys.projection.vector_table import VectorTable
from recsys.state.event_codes import CLICKED, HIDDEN, LIKED, READ, READ_SECONDS, READS
from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.user_model.dwell_quantiles import importance
from recsys.user_model.matcher import ReadHistory

LENGTH = 50
"""Readings that are looked at."""

_HOUR = 60.0 * MINUTE
_RULE = LabelRule()
_ENOUGH_READS = 3.0
"""Of an article without a known length, so many readings tell how long it takes."""


def history_of(state: LiveState, request: RankRequest) -> History:
    """The history handed in with `request`, else the stored one of its reader."""
    if request.history is None:
        return state.history(request.reader, LENGTH)
    return _handed_in(state, request.history[-LENGTH:], request.as_of)


def without_hidden(history: History) -> History:
    """What the reader gave attention to: the history without what they hid or disliked."""
    return history.where((history.flags & HIDDEN) == 0)


def reads_of(
    state: LiveState, history: History, vectors: VectorTable, as_of: int
) -> tuple[ReadHistory, NDArray[np.intp]]:
    """What interest models see of a history, and its places there: only what has a vector."""
    places = np.flatnonzero(vectors.has(history.article))
    article = history.article[places]
    age = np.maximum((as_of - history.opened[places]) / _HOUR, 0.0)
    expected = expected_seconds(state, article, as_of)
    return ReadHistory.of(vectors.take(article), history.seconds[places], age, expected), places


def outcomes(history: History, reads: ReadHistory, places: NDArray[np.intp]) -> NDArray[np.int8]:
    """Whether each of `reads` [h], at `places` [h] of `history`, was important: see `dwell.importance`."""
    flags = history.flags[places]
    liked, hidden = (flags & LIKED) > 0, (flags & HIDDEN) > 0
    return importance(reads.seconds, reads.quantile, history.scroll[places], liked, hidden)


def expected_seconds(state: LiveState, rows: NDArray[np.int64], as_of: int) -> NDArray[np.float64]:
    """Seconds that reading each of articles `rows` [n] takes, as labels judge it.

    An article without a length takes what its readers took lately, if some did.
    """
    expected = _RULE.expected(state.catalog.words[rows])
    unknown = np.flatnonzero(np.isnan(expected))
    if len(unknown):
        counted = state.counters.read(rows[unknown], as_of)[:, :, -1]
        reads, seconds = counted[:, READS], counted[:, READ_SECONDS]
        typical = np.clip(seconds / np.maximum(reads, 1e-9), _RULE.expected_least, _RULE.expected_most)
        expected[unknown] = np.where(reads >= _ENOUGH_READS, typical, _RULE.expected_default)
    return expected


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
