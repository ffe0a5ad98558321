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

COUNTERS_OF = np.asarray([(max(counter, 0), READ_SECONDS) for counter, _ in _EFFECT.values()], dtype=np.int64)
"""Counters that may grow [codes, 2]: the kind's own, and the seconds read."""

WEIGHTS_OF = np.asarray(
    [(counter >= 0, kind is EventKind.READ) for kind, (counter, _) in _EFFECT.items()], dtype=np.float64
)
"""By how much those grow [codes, 2]: one if the kind has a counter of its own, and times the seconds of a read."""

FLAG_OF: list[int] = [flag for _, flag in _EFFECT.values()]
"""History bit, by code."""
