"""Numbers that several parts of Attune must agree on. Anything used in one place stays beside its use."""

from enum import IntEnum

from recsys.domain import DAY, HOUR, MINUTE

NEW_READER = 5
"""A reader with fewer reads is new: a cold start."""

BOUNCE_SECONDS = 8.0
"""A reader who leaves sooner did not read: a bounce, in labels, exposures and the user model alike."""

WORDS_PER_MINUTE = 238.0
"""Silent reading of English non-fiction (Brysbaert 2019)."""

DEFAULT_READ_SECONDS = 60.0
"""Reading time of an article about which nothing is known."""

UNMEASURED_DWELL_SECONDS = 20.0
"""Dwell that a click counts for if its reading was not measured: more than a bounce, less than a full reading."""

VISIT_GAP = 30 * MINUTE
"""Time, in microseconds, after which a reading is over. `read` events of one reader and article that follow each
other sooner, without a click in between, are parts of one reading (heartbeats): their seconds add up.
"""

MAX_READ_SECONDS = 600.0
"""Longer reads count as this: a tab left open is not attention."""


class HalfLife(IntEnum):
    """Index of each half-life in the last axis of every decayed counter."""

    MINUTES_15 = 0
    HOUR_1 = 1
    HOURS_4 = 2
    HOURS_12 = 3
    DAYS_2 = 4
    DAYS_7 = 5


HALF_LIVES = (15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 2 * DAY, 7 * DAY)
"""Half-lives of all counters in microseconds, in the order of `HalfLife`."""

HALF_LIFE_NAMES = ("15m", "1h", "4h", "12h", "2d", "7d")
"""Their short names, as feature columns use them."""

GORSE_EVENT_PREFIX = "gorse:"
"""Beginning of the ids of events that came through Gorse's API. They are never archived."""

WRITE_BACK_PREFIX = "write-back:"
"""Beginning of the session of slates whose articles count as read later. They are never archived."""
