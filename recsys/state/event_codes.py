"""Dense codes of event kinds, and the counters and history bits that each kind changes."""

import numpy as np

from recsys.domain import EventKind

IMPRESSIONS, CLICKS, READS, READ_SECONDS, LIKES, HIDES, ATTRIBUTED_CLICKS, EXAMINED = range(8)
"""Counters of an article, and of a group of articles.

ATTRIBUTED_CLICKS are clicks that quote the request id of a slate. Only they may be divided by IMPRESSIONS: a click
from an imported history, or from a front page that was not logged, has no impression. EXAMINED sums the
examination probability of impressions: see `state.position_bias`.
"""

COUNTERS = 8

CLICKED, READ, SCROLLED, LIKED, HIDDEN, SAVED, SHARED, COMMENTED = 1, 2, 4, 8, 16, 32, 64, 128
"""Bits of a history entry: its known signals. Without READ the dwell is unknown, not zero.

LIKED stands for all approval: it is also set by a save, a share or a comment, which have a bit of their own.
"""

_EFFECT: dict[EventKind, tuple[int, int]] = {
    EventKind.CLICK: (CLICKS, CLICKED),
    EventKind.READ: (READS, READ),
    EventKind.SCROLL: (-1, SCROLLED),
    EventKind.LIKE: (LIKES, LIKED),
    EventKind.SAVE: (LIKES, LIKED | SAVED),
    EventKind.SHARE: (LIKES, LIKED | SHARED),
    EventKind.COMMENT: (LIKES, LIKED | COMMENTED),
    EventKind.HIDE: (HIDES, HIDDEN),
    EventKind.DISLIKE: (HIDES, HIDDEN),
}

CODE: dict[str, int] = {kind.value: code for code, kind in enumerate(_EFFECT)}
"""Dense code of every kind that changes state, except impressions: they are exposures, not behaviours."""

ATTRIBUTED_CLICK = len(_EFFECT)
"""Code of a click that quotes a slate. Its value is 1."""

COUNTERS_OF = np.asarray(
    [*((max(counter, 0), READ_SECONDS) for counter, _ in _EFFECT.values()), (CLICKS, ATTRIBUTED_CLICKS)],
    dtype=np.int64,
)
"""Counters that change [codes, 2]: the kind's own, and the one to which its value is added."""

WEIGHTS_OF = np.asarray(
    [*((counter >= 0, kind is EventKind.READ) for kind, (counter, _) in _EFFECT.items()), (1, 1)], dtype=np.float64
)
"""Weights of these changes [codes, 2]: 1 if the kind has its own counter, and the factor of the value."""

FOLLOW_BEGINS: dict[str, bool] = {
    EventKind.FOLLOW.value: True,
    EventKind.FOCUS.value: True,
    EventKind.UNFOLLOW.value: False,
}
"""Kinds that change what a reader follows: True if it is followed from then on."""

FLAG_OF: list[int] = [*(flag for _, flag in _EFFECT.values()), CLICKED]
"""History bit, by code."""
