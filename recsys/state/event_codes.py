"""What each kind of event does to the state, by dense code."""

import numpy as np

from recsys.domain import EventKind

IMPRESSIONS, CLICKS, READS, READ_SECONDS, LIKES, HIDES, ATTRIBUTED_CLICKS, EXAMINED = range(8)
"""Counters of an article, and of a group of articles.

ATTRIBUTED_CLICKS are clicks on a slate, told by the request id they quote. Only they go with IMPRESSIONS: a click from a
front page that was not logged, or from an imported history, has no impression. EXAMINED are impressions by the
chance that someone looked: see `state.position_bias`.
"""

COUNTERS = 8

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

ATTRIBUTED_CLICK = len(_EFFECT)
"""Code of a click that answers a slate. Its value is 1."""

COUNTERS_OF = np.asarray(
    [*((max(counter, 0), READ_SECONDS) for counter, _ in _EFFECT.values()), (CLICKS, ATTRIBUTED_CLICKS)],
    dtype=np.int64,
)
"""Counters that may grow [codes, 2]: the kind's own, and the one that its value adds to."""

WEIGHTS_OF = np.asarray(
    [*((counter >= 0, kind is EventKind.READ) for kind, (counter, _) in _EFFECT.items()), (1, 1)], dtype=np.float64
)
"""By how much those grow [codes, 2]: one if the kind has a counter of its own, and this times the value."""

FLAG_OF: list[int] = [*(flag for _, flag in _EFFECT.values()), CLICKED]
"""History bit, by code."""
