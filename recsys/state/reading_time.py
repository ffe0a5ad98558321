"""Expected reading time of an article, from its length and from the dwell of its readers."""

import numpy as np
from numpy.typing import NDArray

from recsys.constants import DEFAULT_READ_SECONDS, WORDS_PER_MINUTE, HalfLife
from recsys.state.event_codes import READ_SECONDS, READS
from recsys.state.live_state import GLOBAL_GROUP, LiveState

_PRIOR_READS = 3.0
_LEAST_SECONDS = 1.0


def expected_read_seconds(state: LiveState, rows: NDArray[np.int64], as_of: int) -> NDArray[np.float64]:
    """Return the seconds [n] that reading each of articles `rows` [n] takes, as of a time in microseconds.

    The posterior mean of the article's measured reads (decayed over a week) and `_PRIOR_READS` pseudo-reads of the
    time predicted from its length; without a length (unknown, or no word), of the mean read of all articles.
    """
    counts = state.counters.read(rows, as_of)[:, :, HalfLife.DAYS_7]
    overall = state.counters.read_groups(np.asarray([GLOBAL_GROUP]), as_of)[0, :, HalfLife.DAYS_7]
    reads = overall[READS]
    mean_read = overall[READ_SECONDS] / reads if reads >= _PRIOR_READS else DEFAULT_READ_SECONDS
    words = state.catalog.words[rows]
    by_length = np.where(words > 0, seconds_to_read(words), mean_read)
    seconds = (counts[:, READ_SECONDS] + _PRIOR_READS * by_length) / (counts[:, READS] + _PRIOR_READS)
    return np.maximum(seconds, _LEAST_SECONDS)


def seconds_to_read(words: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the seconds [n] that reading takes, predicted from the number of words of each text [n]."""
    return np.asarray(words / WORDS_PER_MINUTE * 60, dtype=np.float64)
