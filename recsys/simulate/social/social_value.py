"""Engaged value per minute of feeds in the simulated social network, by the truth behind its log.

Four feeds answer the same readers at the same moments: *chronological* (the newest posts of followed people, the
control of every social network), *popular* (most opened, half-life four hours), *attune* (the feed of the engine)
and *oracle* (the best slate that knows the truth).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import FeedRequest
from recsys.feed.chronological import chronological
from recsys.feed.engine import FeedEngine
from recsys.feed.query_builder import build_query
from recsys.feed.retrieval import allowed_for, trending
from recsys.simulate.newsroom import Bools, Ints
from recsys.simulate.social.social_truth import Ties, best_slate, outcome, slate_value
from recsys.simulate.social.social_world import SocialWorld

CHRONOLOGICAL, POPULAR, ATTUNE, ORACLE = "chronological", "popular", "attune", "oracle"
LIMIT = 10
"""Posts of a slate."""


@dataclass(frozen=True, slots=True)
class FeedValues:
    """Sums of engaged value and minutes by feed, of the same readers and moments."""

    value: Mapping[str, float]
    minutes: Mapping[str, float]

    def per_minute(self, feed: str) -> float:
        """Return the engaged value per minute of a feed."""
        return self.value[feed] / self.minutes[feed]

    def gain(self, over: str) -> float:
        """Return the relative gain of Attune over another feed."""
        return self.per_minute(ATTUNE) / self.per_minute(over) - 1

    @property
    def closed(self) -> float:
        """Return the share of the gap between the better simple feed and the oracle that Attune closes."""
        low = max(self.per_minute(CHRONOLOGICAL), self.per_minute(POPULAR))
        return (self.per_minute(ATTUNE) - low) / (self.per_minute(ORACLE) - low)


def measure(
    world: SocialWorld, moments: Mapping[int, FeedEngine], readers: int, rng: np.random.Generator
) -> FeedValues:
    """Answer `readers` random readers at each of the `moments` (microseconds → engine as of then)."""
    value, minutes = (dict.fromkeys((CHRONOLOGICAL, POPULAR, ATTUNE, ORACLE), 0.0) for _ in range(2))
    for at, engine in moments.items():
        proof = likes_of_followed(world, at)
        chosen = rng.choice(len(world.people.community), min(readers, len(world.people.community)), replace=False)
        for reader in chosen.tolist():
            for feed, (gained, spent) in _answers(world, engine, at, reader, proof[reader]).items():
                value[feed] += gained
                minutes[feed] += spent
    return FeedValues(value, minutes)


def likes_of_followed(world: SocialWorld, at: int) -> Ints:
    """Return the number of followed people who liked, shared or saved each post before `at` [R, P]."""
    liked = world.events.filter((pl.col("known_at") < at) & pl.col("kind").is_in(["like", "share", "save"]))
    people, posts = (_places(ids.tolist()) for ids in (world.people.readers.ids, world.posts.ids))
    pairs = liked.select("reader", "article").unique()
    likes = np.zeros((len(people), len(posts)), dtype=np.int64)
    likes[[people[id_] for id_ in pairs["reader"]], [posts[id_] for id_ in pairs["article"]]] = 1
    return np.asarray(world.people.follows.astype(np.int64) @ likes)


def _places(ids: list[str]) -> dict[str, int]:
    return {id_: place for place, id_ in enumerate(ids)}


def _answers(
    world: SocialWorld, engine: FeedEngine, at: int, reader: int, proof: Ints
) -> dict[str, tuple[float, float]]:
    """Return the expected value and minutes of each feed for one reader."""
    id_ = str(world.people.readers.ids[reader])
    request = FeedRequest(request_id=f"value:{at}:{id_}", as_of=at, reader=id_, limit=LIMIT, explain=False)
    state = engine.state
    query = build_query(state, engine.vectors, request)
    seen = engine.seen_articles(request)
    rows = np.flatnonzero(allowed_for(state, query, request, seen, engine.limits, np.zeros(0, dtype=np.int64)))
    ids = [state.articles.strings[row] for row in rows.tolist()]
    post = np.searchsorted(world.posts.ids, np.asarray(ids, dtype=object))  # ids ascend
    truth = outcome(
        world.people, world.posts, reader, post, at, Ties(proof[post], _joined(world, reader, at)[post])
    )
    place = {row: number for number, row in enumerate(rows.tolist())}
    feed = [item.id for item in engine.recommend(request).ranking.items]
    slates: dict[str, Ints] = {
        CHRONOLOGICAL: _at(place, chronological(state, query, rows, LIMIT)),
        POPULAR: _at(place, trending(state, rows, LIMIT)),
        ATTUNE: _at(place, state.rows_of(feed)),
        ORACLE: best_slate(truth, LIMIT),
    }
    return {name: slate_value(truth, order) for name, order in slates.items()}


def _at(place: Mapping[int, int], rows: NDArray[np.int64]) -> Ints:
    return np.asarray([place[row] for row in rows.tolist()], dtype=np.int64)


def _joined(world: SocialWorld, reader: int, at: int) -> Bools:
    """Return True for each post [P] of a thread to which the reader wrote before `at`."""
    posts = world.posts
    own = (posts.author == reader) & (posts.published_at < at)
    return np.isin(posts.root, posts.root[own])
