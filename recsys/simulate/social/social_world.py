"""Simulated social network: people in planted communities, their posts, and the log of what they did."""

import heapq
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from recsys.domain import DAY, HOUR, SECOND
from recsys.errors import ConfigError
from recsys.frames import EVENTS, SLATES, conform
from recsys.simulate.newsroom import Bools, Floats, Ints
from recsys.simulate.social.social_people import People, gather
from recsys.simulate.social.social_posts import Posts, write_posts
from recsys.simulate.social.social_truth import BOOSTED, LIKED, SAVED, Ties, outcome, topic_match
from recsys.simulate.truth import examination
from recsys.simulate.visits import draw_visits
from recsys.simulate.world import START

ON_OFFER = 36 * HOUR
NEWEST_FOLLOWED, POPULAR, RANDOM = 0.45, 0.3, 0.25  # shares of the logging policy
FRESH_SCALE = 4 * HOUR
POPULARITY_HALF_LIFE = 6 * HOUR
SLATE = 15
_HIDDEN = 0.03  # chance after an opening of a post that does not match at all

Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class SocialWorld:
    """Result of `simulate_social`.

    Attributes:
        people: readers and authors, with their hidden properties.
        posts: articles, with their hidden properties.
        events: columns of `frames.EVENTS`.
        slates: columns of `frames.SLATES`.
    """

    people: People
    posts: Posts
    events: pl.DataFrame
    slates: pl.DataFrame

    @property
    def articles(self) -> pl.DataFrame:
        """Posts as articles, columns of `frames.ARTICLES`."""
        return self.posts.frame


def simulate_social(
    people: int = 300,
    posts: int = 5_000,
    days: int = 10,
    communities: int = 6,
    seed: int = 7,
    start: datetime = START,
) -> SocialWorld:
    """Simulate a social network for `days` days from `start`. The same arguments always give the same world.

    Raises:
        ConfigError: a number is too small, or `start` has no time zone.
    """
    if min(posts, days, communities) < 1 or people < 2 * communities:
        raise ConfigError(
            "a social simulation needs a post, a day, a community, and two people for each community"
        )
    if start.tzinfo is None:
        raise ConfigError("the start of a simulation needs a time zone")
    begin = round(start.timestamp()) * SECOND
    for_people, for_posts, for_visits, for_behaviour = np.random.default_rng(seed).spawn(4)
    crowd = gather(people, communities, for_people)
    written = write_posts(crowd, posts, days, begin, for_posts)
    log = _Log(crowd, written, for_behaviour)
    log.follow(begin - 2 * DAY)
    log.reply()
    reader, at, visit = draw_visits(crowd.readers, days, begin, for_visits)
    for number, (who, when, session) in enumerate(zip(reader.tolist(), at.tolist(), visit.tolist(), strict=True)):
        log.visit(number, who, when, session)
    events = conform(pl.DataFrame(log.events, infer_schema_length=None), EVENTS).sort("known_at", "id")
    return SocialWorld(crowd, written, events, conform(pl.DataFrame(log.slates, infer_schema_length=None), SLATES))


class _Log:
    """Log of one world while it grows. Likes and openings count from their own time on."""

    def __init__(self, people: People, posts: Posts, rng: np.random.Generator) -> None:
        self._people, self._posts, self._rng = people, posts, rng
        shape = len(people.community), len(posts.ids)
        self._opened: Bools = np.zeros(shape, dtype=np.bool_)
        self._proof: Ints = np.zeros(shape, dtype=np.int64)
        self._joined: Ints = np.full(shape, np.iinfo(np.int64).max)
        self._popularity: Floats = np.zeros(shape[1])
        self._now = 0
        self._waiting: list[tuple[int, int, int, bool]] = []
        self.events: list[Row] = []
        self.slates: list[Row] = []

    def follow(self, at: int) -> None:
        """Log all follows, one second after the other from `at`."""
        ids = self._people.readers.ids
        for number, (who, whom) in enumerate(np.argwhere(self._people.follows).tolist()):
            self._event(f"f{number:07d}", who, "follow", at + number * SECOND, subject=ids[whom])

    def reply(self) -> None:
        """Log the replies: they are posts, and comments on the posts above them."""
        posts = self._posts
        np.minimum.at(self._joined, (posts.author, posts.root), posts.published_at)
        for post in np.flatnonzero(posts.reply_to >= 0).tolist():
            above = posts.ids[posts.reply_to[post]]
            at = int(posts.published_at[post])
            self._event(f"c{post:07d}", int(posts.author[post]), "comment", at, article=above)

    def visit(self, number: int, reader: int, at: int, session: int) -> None:
        """Show a slate by the logging policy, and log what the reader does."""
        self._advance(at)
        posts, rng = self._posts, self._rng
        begin, end = np.searchsorted(posts.published_at, (at - ON_OFFER, at))
        pool = np.arange(begin, end)
        pool = pool[(posts.author[pool] != reader) & ~self._opened[reader, pool]]
        if not len(pool):
            return
        shown = self._draw(reader, pool, at)
        request = f"s{number:07d}"
        common: Row = {"request_id": request, "session": f"v{session:07d}"}
        ids = posts.ids[shown].tolist()
        self.slates.append(
            {"id": request, "reader": self._people.readers.ids[reader], "at": at, "known_at": at,
             "candidates": ids, "ordered": True, "session": common["session"]}
        )  # fmt: skip
        joined = self._joined[reader, posts.root[shown]] < at
        expected = outcome(self._people, posts, reader, shown, at, Ties(self._proof[reader, shown], joined))
        clicked = rng.random(len(shown)) < examination(np.arange(len(shown))) * expected.opening
        match = topic_match(self._people, posts, reader, shown)
        now = at
        for place in np.flatnonzero(clicked).tolist():
            now = self._open(reader, int(shown[place]), now, place, float(match[place]), common)

    def _open(self, reader: int, post: int, now: int, place: int, match: float, common: Row) -> int:
        """Log an opening with its reactions; return when it ended."""
        rng, posts = self._rng, self._posts
        article, key = posts.ids[post], f"{common['request_id']}:{place}"
        now += int(3 * SECOND)
        full = 60 * posts.words[post] / self._people.readers.words_a_minute[reader]
        finished = rng.random() < match
        seconds = round(float(4 + full * (rng.uniform(0.8, 1.1) if finished else rng.uniform(0.05, 0.5))), 1)
        done = now + int(seconds * SECOND)
        self._event(f"{key}:click", reader, "click", now, article=article, position=place, **common)
        self._event(f"{key}:read", reader, "read", done, article=article, value=seconds, **common)
        chances = (("like", LIKED * match), ("share", BOOSTED * match), ("save", SAVED * match))
        liked = False
        for kind, likely in (*chances, ("hide", _HIDDEN * (1 - match))):
            if rng.random() < likely:
                self._event(f"{key}:{kind}", reader, kind, done + SECOND, article=article, **common)
                liked |= kind != "hide"
        if liked:
            heapq.heappush(self._waiting, (done + SECOND, reader, post, True))
        self._opened[reader, post] = True
        heapq.heappush(self._waiting, (now, reader, post, False))
        return done + 2 * SECOND

    def _advance(self, now: int) -> None:
        """Count openings, and one like of each reader and post, from before `now`."""
        self._popularity *= 0.5 ** ((now - self._now) / POPULARITY_HALF_LIFE)
        self._now = now
        while self._waiting and self._waiting[0][0] < now:
            at, reader, post, liked = heapq.heappop(self._waiting)
            if liked:
                self._proof[self._people.follows[:, reader], post] += 1
            else:
                self._popularity[post] += 0.5 ** ((now - at) / POPULARITY_HALF_LIFE)

    def _draw(self, reader: int, pool: Ints, at: int) -> Ints:
        """Draw a slate: newest posts of followed people, popular ones and random ones, mixed (Plackett-Luce)."""
        posts = self._posts
        fresh = np.exp(-(at - posts.published_at[pool]) / FRESH_SCALE)
        followed = fresh * self._people.follows[reader, posts.author[pool]]
        popular = self._popularity[pool] + 0.05
        weights = POPULAR * popular / popular.sum() + RANDOM / len(pool)
        weights = weights + NEWEST_FOLLOWED * followed / max(followed.sum(), 1e-300)
        arrival = self._rng.standard_exponential(len(pool)) / weights
        return pool[np.argsort(arrival)[:SLATE]]

    def _event(self, id_: str, reader: int, kind: str, at: int, **fields: object) -> None:
        row: Row = {"id": id_, "reader": self._people.readers.ids[reader], "kind": kind, "at": at, "known_at": at}
        self.events.append(row | fields)
