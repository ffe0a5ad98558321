"""Past actions of a reader: the strongest one of each entry of the history, in words that are true."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recsys.constants import BOUNCE_SECONDS
from recsys.state.event_codes import CLICKED, COMMENTED, LIKED, READ, SAVED, SHARED
from recsys.state.histories import History

_END_SECONDS, _END_SCROLL = 30.0, 90.0


class PastAction(StrEnum):
    """Action on an article, as it stands after "Because you". A bounce is not a read."""

    SAVED = "saved"
    SHARED = "shared"
    COMMENTED = "commented on"
    LIKED = "liked"
    READ_TO_THE_END = "read to the end"
    READ = "read"
    OPENED = "opened"
    SCROLLED = "saw"


_FEEDBACK = (
    (SAVED, PastAction.SAVED),
    (SHARED, PastAction.SHARED),
    (COMMENTED, PastAction.COMMENTED),
    (LIKED, PastAction.LIKED),
)


def action_of(history: History, place: int) -> PastAction:
    """Return the strongest action of the entry at `place`: explicit feedback, else how far it was read."""
    flags, seconds = int(history.flags[place]), float(history.seconds[place])
    for bit, action in _FEEDBACK:
        if flags & bit:
            return action
    if flags & READ and seconds >= BOUNCE_SECONDS:
        to_the_end = seconds >= _END_SECONDS and history.scroll[place] >= _END_SCROLL
        return PastAction.READ_TO_THE_END if to_the_end else PastAction.READ
    return PastAction.OPENED if flags & (CLICKED | READ) else PastAction.SCROLLED


def opened(history: History) -> NDArray[np.bool_]:
    """Return True for each entry [h] whose article the reader opened: only saved or liked ones were not."""
    return np.asarray((history.flags & (CLICKED | READ)) > 0)
