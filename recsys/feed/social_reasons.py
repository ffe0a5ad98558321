"""Reasons from the reader's social circle: conversations, likes of followed people, followers."""

import numpy as np
from numpy.typing import NDArray

from recsys.domain import Reason
from recsys.feed.reason_codes import FOLLOWS_YOU, LIKED_BY_FOLLOWED, YOUR_THREAD, reason
from recsys.ranking.query import Query
from recsys.ranking.social_circle import NOBODY
from recsys.state.live_state import LiveState

Reasons = list[Reason | None]


def social_reasons(state: LiveState, query: Query, rows: NDArray[np.int64]) -> tuple[Reasons, Reasons, Reasons]:
    """Return for each of articles `rows` [k]: own thread, likes of people followed, and an author who follows."""
    threads: Reasons = [None] * len(rows)
    liked: Reasons = [None] * len(rows)
    authors: Reasons = [None] * len(rows)
    circle = query.circle
    if circle is NOBODY:
        return threads, liked, authors
    likes = dict(zip(circle.liked.tolist(), circle.likes.tolist(), strict=True))
    joined = np.isin(state.conversations.roots()[rows], circle.threads).tolist()
    names, followers = state.catalog.authors.strings, set(state.follows.followers_of(circle.me).tolist())
    for place, (row, author) in enumerate(zip(rows.tolist(), state.catalog.author[rows].tolist(), strict=True)):
        if joined[place]:
            threads[place] = reason(YOUR_THREAD)
        if row in likes:
            liked[place] = reason(LIKED_BY_FOLLOWED, people=likes[row])
        if author >= 0 and state.readers.get(names[author]) in followers:
            authors[place] = reason(FOLLOWS_YOU, subject=names[author])
    return threads, liked, authors
