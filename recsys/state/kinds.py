"""What each kind of event does to the state, by dense code."""

import numpy as np

from recsys.domain import EventKind

IMPRESSIONS, CLICKS, READS, READ_SECONDS, LIKES, HIDES = range(6)
"""Counters of an article, and of a group of articles."""

COUNTERS = 6

CLICKED, READ, SCROLLED, LIKED, HIDDEN = 1, 2, 4, 8, 16
"""Bits of a history entry: what is known of it. Without READ its dwell is unknown, not zero."""

_EFFECT: dict[EventKind, tuple[int, int]] = {
    EventKind.CLICK: (CLICKS, CLICKED),
    EventKind.READ: (READS, READ),
    EventKind.SCROLL: (-1, SCROLLED),
    EventKind.LIKE: (LIKES, LIKED),
    EventKind.SAVE: (LIKES, LIKED),
    EventKind.SHARE: (LIKES, LIKED),
    EventKind.COMMENT: (LIKES, LIKED),
    EventKind.HIDE: (HIDES, HIDDEN),
    EventKind.DISLIKE: (HIDES, HIDDEN),
}

CODE: dict[str, int] = {kind.value: code for code, kind in enumerate(_EFFECT)}
"""Dense code of every kind that changes state; an impression is an exposure, not a behaviour."""

COUNTER_OF = np.asarray([counter for counter, _ in _EFFECT.values()], dtype=np.int64)
"""Counter that grows by one, by code; -1 for none."""

FLAG_OF: list[int] = [flag for _, flag in _EFFECT.values()]
"""History bit, by code."""
