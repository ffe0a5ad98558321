"""Social circle of a reader: whom the reader follows, what these people like, and the reader's own threads.

An author is the reader of the same id: ids are compared exactly. All of it is in the folded state, so training,
evaluation and serving see the same circle. Without a reply or a thread among the articles, every circle is empty:
readers of a newspaper follow topics.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY, SECOND
from recsys.state.event_codes import COMMENTED, HIDDEN, LIKED, SAVED, SHARED
from recsys.state.live_state import LiveState
from recsys.state.vocabulary import UNKNOWN

MOST_PEOPLE = 500
"""People of a circle whose likes are read, those with the fewest followers first: stars are in every circle."""

LIKED_WITHIN = 7 * DAY
"""Older likes of people in the circle do not count."""


@dataclass(frozen=True, slots=True)
class SocialCircle:
    """Circle of one reader at one time.

    me: code of the reader among the authors, UNKNOWN if there is none. authors: codes of what the reader
    follows [f]. people: those of them who are readers, dense reader ids [p]. liked, likes: articles that they
    liked, dense ids [l], and by how many people [l]. threads: first articles of the threads with the reader [t].
    """

    me: int
    authors: NDArray[np.int64]
    people: NDArray[np.int64]
    liked: NDArray[np.int64]
    likes: NDArray[np.int64]
    threads: NDArray[np.int64]


_NONE = np.zeros(0, dtype=np.int64)
NOBODY = SocialCircle(UNKNOWN, _NONE, _NONE, _NONE, _NONE, _NONE)


def is_social(state: LiveState, as_of: int) -> bool:
    """Return True if articles are posts: an article that is available at `as_of` replies or names its thread."""
    members = state.conversations.members()
    # the first to arrive are usually the oldest, so that the others need not be read
    return any(bool((state.available_since(part) < as_of).any()) for part in (members[:64], members[64:]))


def circle_of(state: LiveState, reader: int, as_of: int) -> SocialCircle:
    """Return the circle of `reader` (dense id) as of `as_of` (microseconds); an empty one for a negative id."""
    if reader < 0 or not is_social(state, as_of):
        return NOBODY
    authors = state.follows.subjects_of(reader)
    people = _people(state, authors, reader)
    liked, likes = _liked(state, people, as_of)
    me = state.catalog.authors.get(state.readers.strings[reader])
    return SocialCircle(me, authors, people, liked, likes, _threads(state, reader, me, as_of))


def own_articles(state: LiveState, me: int) -> NDArray[np.int64]:
    """Return the articles of the author `me` (a code), dense ids; none for UNKNOWN."""
    return _NONE if me < 0 else np.flatnonzero(state.catalog.author == me)


def _people(state: LiveState, authors: NDArray[np.int64], reader: int) -> NDArray[np.int64]:
    names = [state.catalog.authors.strings[code] for code in authors.tolist()]
    if len(names) > MOST_PEOPLE:
        # ties by name: codes depend on the order of arrival
        counts = state.follows.follower_counts(authors).tolist()
        names = [name for _, name in sorted(zip(counts, names, strict=True))[:MOST_PEOPLE]]
    people = state.readers.lookup(names)
    return np.sort(people[(people >= 0) & (people != reader)])


def _liked(state: LiveState, people: NDArray[np.int64], as_of: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the articles [l] that people liked, replied to or shared, and by how many people [l].

    Saves are private. One also sets LIKED, so a like of a saved article does not count.
    """
    histories = state.histories
    slots, owners = histories.rings.all_recent(people)
    flags, article, opened = (
        histories.fields[name][slots].astype(np.int64) for name in ("flags", "article", "opened")
    )
    recent = opened * SECOND >= as_of - LIKED_WITHIN
    public = ((flags & (SHARED | COMMENTED)) > 0) | ((flags & (LIKED | SAVED)) == LIKED)
    good = public & ((flags & HIDDEN) == 0) & recent
    # one person may like an article in two readings
    pairs = np.unique(article[good] << 32 | owners[good])
    return np.unique(pairs >> 32, return_counts=True)


def _threads(state: LiveState, reader: int, me: int, as_of: int) -> NDArray[np.int64]:
    """Return the threads of what the reader wrote and replied to."""
    history = state.histories.of(reader, state.histories.rings.length)
    replied = history.article[(history.flags & COMMENTED) > 0]
    own = own_articles(state, me)
    own = own[state.available_since(own) < as_of]
    return np.unique(state.conversations.roots()[np.concatenate((replied, own))])
