"""Closed loop: what a minute is worth to simulated readers who live with a policy.

    python -m benchmarks.feed_value [--readers 400] [--articles 1500] [--days 8] [--live 2]

Policies: decayed popularity, Attune trained on graded read-time labels, its twin trained on clicks (every label
above 0 is 1), and the oracle that knows what drives clicks. The rankers of feeds are trained on the days before,
without text; then each policy fills the same visits, ten articles from all on offer, and learns from what comes of
its own slates through the same fold. Readers behave as `recsys.simulate` has them.

Value is the finished share of every article that was not left at once, in articles; minutes are those of all
readings, bounces included, and of looking through the slates (2 s, and 1.2 s an article). Popularity alone
explores nothing: what was clicked stays on top. Intervals: 1,000 draws of readers, paired.
"""

import argparse
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.newsroom import stored
from recsys.domain import DAY, Event, EventKind, RankRequest, Slate
from recsys.evaluation.questions import load_questions
from recsys.feed.engine import FeedEngine, Prepared
from recsys.feed.follow import Replay
from recsys.feed.vectors import VectorTable
from recsys.frames import events_frame, slates_frame
from recsys.reranker import lambdamart
from recsys.reranker.features.schema import ALL_FEATURES, FEED_FEATURES
from recsys.reranker.lambdamart import LambdaMart, LambdaMartConfig
from recsys.simulate.behaviour import LOOK, LOOK_PER_POSITION, Clicks, draw_clicks
from recsys.simulate.policy import on_offer
from recsys.simulate.truth import click_logit
from recsys.simulate.visits import draw_visits
from recsys.simulate.world import START, World, simulate
from recsys.state.live import LiveState
from recsys.store.database import Database
from recsys.training.progress import silent
from recsys.training.reranker import PastSlates, as_served, past_slates

SLATE = 10
DRAWS = 1_000
_FEATURES = FEED_FEATURES.without("interest")

Floats = NDArray[np.float64]
Policy = Callable[[Prepared, NDArray[np.int64], int, int], Floats]
"""Scores [n] of candidates: of what the engine prepared, or of their places, the reader's place and the time."""


@dataclass(frozen=True, slots=True)
class Lived:
    """By reader [R]: value in articles, and minutes."""

    value: Floats
    minutes: Floats


def learnt(database: Database, world: World, until: int) -> PastSlates:
    """Features and labels of all slates before `until`."""
    start = int(world.slates["at"].min())  # type: ignore[arg-type]
    with database.read() as connection, Replay(connection, until) as past:
        questions = load_questions(connection, start, until, world.articles, until)
        return past_slates(FeedEngine(past.state, VectorTable()), past, questions, silent)


def trained(slates: PastSlates, until: int, clicks_only: bool) -> LambdaMart:
    """The ranker of feeds, as many trees as the last day before `until` chooses."""
    if clicks_only:
        labels = np.minimum(slates.data.labels, 1).astype(np.int8)
        slates = replace(slates, data=replace(slates.data, labels=labels))
    config, held_out = LambdaMartConfig(), as_served(slates.since(until - DAY))
    judged = lambdamart.fit(slates.before(until - DAY), held_out, _FEATURES, config)
    return lambdamart.refit(slates.data, _FEATURES, config, judged.trees)


def policies(world: World, graded: LambdaMart, clicks: LambdaMart) -> Mapping[str, Policy]:
    """Name → policy."""
    popular = ALL_FEATURES.names.index("clicks_4h")
    return {
        "popular": lambda prepared, *_: prepared.features[:, popular],
        "click-trained": lambda prepared, *_: clicks.score(prepared.features),
        "attune": lambda prepared, *_: graded.score(prepared.features),
        "oracle": lambda _, places, reader, at: click_logit(
            world.readers, world.newsroom, np.asarray(reader), places, np.asarray(at)
        ),
    }


class Life:
    """Readers of `world` from `start` for `days` days with one policy."""

    def __init__(self, world: World, state: LiveState, policy: Policy, seed: int) -> None:
        self._world, self._engine, self._policy = world, FeedEngine(state, VectorTable()), policy
        self._rng = np.random.default_rng(seed)
        self._waiting: list[tuple[int, str, Event]] = []
        count = len(world.readers.ids)
        self._read = np.zeros((count, len(world.newsroom.ids)), dtype=np.bool_)
        for reader, article in world.events.filter(pl.col("known_at") <= state.known_at)[
            "reader", "article"
        ].rows():
            self._read[world.readers.places[reader], world.newsroom.places[article]] = True
        self.lived = Lived(np.zeros(count), np.zeros(count))

    def visit(self, number: int, reader: int, at: int) -> None:
        """Fill one slate and let the reader live with it."""
        self._fold(at)
        offered = np.arange(len(self._world.newsroom.ids))[on_offer(self._world.newsroom.published_at, at)]
        offered = offered[~self._read[reader, offered]]
        shown = self._ranked(number, reader, offered, at)
        who = np.asarray([reader])
        clicks = draw_clicks(
            self._world.readers, self._world.newsroom, who, np.asarray([at]), shown[None], self._rng
        )
        self._note(number, reader, shown, at, clicks)

    def _ranked(self, number: int, reader: int, offered: NDArray[np.int64], at: int) -> NDArray[np.int64]:
        names = tuple(self._world.newsroom.ids[offered].tolist())
        as_of = max(at, self._engine.state.known_at + 1)
        request = RankRequest(f"v{number}", as_of, names, self._world.readers.ids[reader])
        scores = self._policy(self._engine.prepare(request), offered, reader, at)
        return offered[np.argsort(-scores, kind="stable")[:SLATE]]

    def _fold(self, at: int) -> None:
        """What was known before `at`."""
        due = []
        while self._waiting and self._waiting[0][0] < at:
            due.append(heapq.heappop(self._waiting)[2])
        self._apply(due, [])

    def _apply(self, events: list[Event], slates: list[Slate]) -> None:
        state = self._engine.state
        state.apply(state.encode(events_frame(events), slates_frame(slates)))

    def _note(self, number: int, reader: int, shown: NDArray[np.int64], at: int, clicks: Clicks) -> None:
        world, request = self._world, f"v{number}"
        name, ids = world.readers.ids[reader], world.newsroom.ids
        at = max(at, self._engine.state.known_at)
        self._apply([], [Slate(request, name, at, at, tuple(ids[shown].tolist()), ordered=True)])
        self._read[reader, clicks.article] = True
        told = zip(ids[clicks.article], clicks.at, clicks.read_at, clicks.seconds, strict=True)
        for article, opened, closed, seconds in told:
            for kind, when, value in ((EventKind.CLICK, opened, None), (EventKind.READ, closed, float(seconds))):
                id_ = f"{request}:{kind.value}:{article}"
                event = Event(id_, name, kind, int(when), int(when), article, value=value, request_id=request)
                heapq.heappush(self._waiting, (event.known_at, id_, event))
        finished = np.where(clicks.bounced, 0.0, np.minimum(clicks.scroll, 100.0) / 100)
        looking = LOOK + LOOK_PER_POSITION * len(shown)
        self.lived.value[reader] += finished.sum()
        self.lived.minutes[reader] += (clicks.seconds.sum() + looking) / 60


def live(database: Database, world: World, policy: Policy, start: int, days: int) -> Lived:
    """Value and minutes of every reader who lives with `policy` for `days` days from `start` (microseconds)."""
    with database.read() as connection, Replay(connection, start) as past:
        life = Life(world, past.advance(start), policy, seed=11)
    reader, at, _ = draw_visits(world.readers, days, start, np.random.default_rng(12))
    for number, (who, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        life.visit(number, who, when)
    return life.lived


def drawn(lived: Lived) -> Floats:
    """Value a minute in each draw of readers [draws]; the same readers for every policy."""
    rng, count = np.random.default_rng(7), len(lived.value)
    picks = rng.integers(0, count, size=(DRAWS, count))
    return np.asarray(lived.value[picks].sum(axis=1) / lived.minutes[picks].sum(axis=1))


def _told(draws: Floats, mean: float) -> str:
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"{mean:7.4f} [{low:.4f}, {high:.4f}]"


def main() -> None:
    """Print value a minute by policy, and what Attune gains on the others."""
    parser = argparse.ArgumentParser(description="read value a minute, by policy")
    parser.add_argument("--readers", type=int, default=400)
    parser.add_argument("--articles", type=int, default=1_500)
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--live", type=int, default=2)
    given = parser.parse_args()
    world = simulate(given.readers, given.articles, given.days)
    start = round(START.timestamp()) * 1_000_000 + (given.days - given.live) * DAY
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        slates = learnt(database, world, start)
        table = policies(world, trained(slates, start, False), trained(slates, start, True))
        lived = {name: live(database, world, policy, start, given.live) for name, policy in table.items()}
        database.close()
    rates = {name: each.value.sum() / each.minutes.sum() for name, each in lived.items()}
    draws = {name: drawn(each) for name, each in lived.items()}
    print(f"{len(slates.data.sizes):,} slates to learn from, {given.live} days lived by {given.readers} readers")
    for name, each in lived.items():
        print(
            f"{name:14} {_told(draws[name], rates[name])} articles a minute, {each.value.sum():8,.0f} articles in "
            f"{each.minutes.sum():8,.0f} minutes"
        )
    for rival in ("popular", "click-trained", "oracle"):
        gain = rates["attune"] / rates[rival] - 1
        print(f"attune over {rival:14} {_told(draws['attune'] / draws[rival] - 1, gain)}")


if __name__ == "__main__":
    main()
