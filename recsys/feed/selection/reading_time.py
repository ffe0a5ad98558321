"""How long an article is read: by its length, and by how long its readers stayed."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import MINUTE, SECOND
from recsys.state.event_codes import READ_SECONDS, READS
from recsys.state.live_state import GLOBAL_GROUP, LiveState

WORDS_PER_MINUTE = 238.0
"""Silent reading of English non-fiction (Brysbaert 2019)."""

_UNKNOWN_SECONDS = 60.0
_PRIOR_READS = 3.0
_LONGEST_HALF_LIFE = -1


def expected_minutes(state: LiveState, rows: NDArray[np.int64], as_of: int) -> NDArray[np.float64]:
    """Minutes [n] that reading each of articles `rows` [n] takes, as of a time in microseconds.

    The mean of its own measured reads of late and of three by its length; where the length is unknown, three by
    what all articles take.
    """
    cells = state.counters.read(rows, as_of)[:, :, _LONGEST_HALF_LIFE]
    everything = state.counters.read_groups(np.asarray([GLOBAL_GROUP]), as_of)[0, :, _LONGEST_HALF_LIFE]
    reads = everything[READS]
    habit = everything[READ_SECONDS] / reads if reads >= _PRIOR_READS else _UNKNOWN_SECONDS
    words = state.catalog.words[rows]
    by_length = np.where(np.isfinite(words), words / WORDS_PER_MINUTE * (MINUTE / SECOND), habit)
    seconds = (cells[:, READ_SECONDS] + _PRIOR_READS * by_length) / (cells[:, READS] + _PRIOR_READS)
    return np.asarray(seconds / (MINUTE / SECOND))
