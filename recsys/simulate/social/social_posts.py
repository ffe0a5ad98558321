"""Posts of the simulated social network: author, topic, and conversations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR
from recsys.frames import ARTICLES, conform
from recsys.simulate.language import TOPICS, draw_scene, write_abstract, write_title
from recsys.simulate.newsroom import Bools, Floats, Ints
from recsys.simulate.social.social_people import People

REPLY_SHARE = 0.3
REPLIED_WITHIN = 12 * HOUR
WORDS = 55  # median
APPEAL = 0.5  # standard deviation over posts


@dataclass(frozen=True, eq=False)
class Posts:
    """Posts [P], in order of publication.

    Attributes:
        ids: object [P].
        author: int64 [P], an index of the people.
        topic: int64 [P], an index of `language.TOPICS`.
        published_at: int64 [P], microseconds, ascending.
        reply_to: int64 [P], an earlier post, −1 for a post that begins a thread.
        root: int64 [P], first post of the thread.
        appeal: float64 [P].
        words: int64 [P].
        frame: the same posts with the columns of `frames.ARTICLES`.
    """

    ids: NDArray[np.object_]
    author: Ints
    topic: Ints
    published_at: Ints
    reply_to: Ints
    root: Ints
    appeal: Floats
    words: Ints
    frame: pl.DataFrame


def write_posts(people: People, posts: int, days: int, start: int, rng: np.random.Generator) -> Posts:
    """Write `posts` from a day before `start` (microseconds), so that the first reader finds some."""
    author = rng.choice(len(people.community), size=posts, p=people.activity)
    day = rng.integers(-1, days, size=posts) * DAY
    hour = np.clip(rng.normal(15, 4.5, size=posts), 0, 23.99)
    published_at = np.sort(start + day + (hour * HOUR).astype(np.int64))
    topic, reply_to, root = _conversations(people, author, published_at, rng)
    words = np.clip(WORDS * rng.lognormal(0, 0.5, posts), 12, 240).astype(np.int64)
    ids = np.array([f"p{number:06d}" for number in range(posts)], dtype=object)
    frame = _frame(people, (ids, author, topic, published_at, reply_to, root, words), rng)
    appeal = rng.normal(0, APPEAL, posts)
    return Posts(ids, author, topic, published_at, reply_to, root, appeal, words, frame)


def _conversations(
    people: People, author: Ints, published_at: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Return topic, replied post and first post of the thread of each post [P].

    A reply goes to a recent post of someone whom the author follows, more likely on a topic that the author likes,
    and keeps its topic.
    """
    count = len(author)
    topic, reply_to, root = np.zeros(count, np.int64), np.full(count, -1, np.int64), np.arange(count)
    affinity, replies = people.readers.affinity, rng.random(count) < REPLY_SHARE
    for post, writer in enumerate(author.tolist()):
        first = int(np.searchsorted(published_at, published_at[post] - REPLIED_WITHIN))
        near = np.arange(first, post)
        near = near[people.follows[writer, author[near]]] if replies[post] else near[:0]
        if not len(near):
            topic[post] = rng.choice(len(TOPICS), p=affinity[writer])
            continue
        weights = affinity[writer, topic[near]]
        parent = int(rng.choice(near, p=weights / weights.sum()))
        topic[post], reply_to[post], root[post] = topic[parent], parent, root[parent]
    return topic, reply_to, root


def _frame(people: People, columns: tuple[NDArray[Any], ...], rng: np.random.Generator) -> pl.DataFrame:
    ids, author, topic, published_at, reply_to, root, words = columns
    scenes = [draw_scene(each, rng) for each in topic.tolist()]
    begins = reply_to < 0
    named = {
        "id": ids.tolist(),
        "title": [write_title(scene, False, False, rng) for scene in scenes],
        "abstract": [write_abstract(scene, rng) for scene in scenes],
        "author": people.readers.ids[author].tolist(),
        "language": ["en"] * len(ids),
        "published_at": published_at,
        "word_count": words,
        "reply_to": _unless(begins, ids[reply_to]),
        "thread": _unless(begins, ids[root]),
    }
    return conform(pl.DataFrame(named), ARTICLES)


def _unless(begins: Bools, ids: NDArray[np.object_]) -> list[str | None]:
    """Return the ids [P], None for a post that begins a thread."""
    return [None if first else id_ for first, id_ in zip(begins.tolist(), ids.tolist(), strict=True)]
