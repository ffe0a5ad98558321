"""Trials of new articles: how soon they are shown, and what that costs the readers, in the simulator.

The same readers make the same visits to the feed of one ranker, without new articles in its exploration and with
them. The ranker was trained on fewer readers of the same newsroom. Each feed learns from the outcome of its own
slates, through the fold.

    minutes to 100      median, over the articles of the first part of the live days, of the minutes from
                        publication to the 100th impression; inf if half of them never have 100
    under an hour       share of feeds with an article under an hour old
    a minute            finished articles per minute, as in `benchmarks.feed_value`
"""

import argparse
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.feed_value import ClosedLoop, Outcomes, past_data, trained
from benchmarks.newsroom import stored
from recsys.domain import DAY, HOUR, MINUTE, FeedRequest, Ranking
from recsys.feed.engine import FeedEngine
from recsys.feed.retrieval import FeedLimits
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking.ranker import Ranker
from recsys.settings import Settings
from recsys.simulate.visits import draw_visits
from recsys.simulate.world import START, World, simulate
from recsys.state.live_state import LiveState
from recsys.store.database import Database

SLATE = 10
ENOUGH = 100
_FOLLOWED_FOR = 8 * HOUR
"""Time that must be left after the publication of an article whose impressions are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Exploration of one feed: its share of positions, and the share of the draws that try new articles."""

    explore: float
    fresh_share: float


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one feed. minutes: median to `ENOUGH` impressions. under_an_hour: share of feeds."""

    minutes: float
    under_an_hour: float
    outcomes: Outcomes

    @property
    def value(self) -> float:
        """Finished articles per minute."""
        return float(self.outcomes.value.sum() / self.outcomes.minutes.sum())


class FeedLoop(ClosedLoop):
    """Visits of the readers of `world` to the feed of an engine; `shown_at` lists the impressions of articles."""

    def __init__(self, world: World, state: LiveState, ranker: Ranker, arm: Arm, seed: int) -> None:
        super().__init__(world, state, lambda *_: np.zeros(0), seed)
        models = replace(Models.untrained(), feed=ranker)
        self._engine = FeedEngine(
            state=state, vectors=VectorTable(), models=models, limits=FeedLimits(fresh_share=arm.fresh_share)
        )
        self._arm = arm
        self.shown_at: list[list[int]] = [[] for _ in world.newsroom.ids]

    def _feed(self, number: int, reader: int, at: int) -> Ranking:
        """Return the feed of one visit."""
        request = FeedRequest(
            request_id=f"v{number}",
            as_of=max(at, self._engine.state.known_at + 1),
            reader=self._world.readers.ids[reader],
            limit=SLATE,
            explore=self._arm.explore,
        )
        return self._engine.recommend(request).ranking

    def _ranked(self, number: int, reader: int, _: NDArray[np.int64], at: int) -> NDArray[np.int64]:
        items = self._feed(number, reader, at).items
        shown = np.asarray([self._world.newsroom.places[item.id] for item in items], dtype=np.int64)
        for article in shown.tolist():
            self.shown_at[article].append(at)
        return shown

    def result(self, start: int, end: int) -> Result:
        """Return the figures of the visits from `start` to `end`, microseconds."""
        published = self._world.newsroom.published_at
        counted = np.flatnonzero((published >= start) & (published < end - _FOLLOWED_FOR))
        minutes = [
            (self.shown_at[each][ENOUGH - 1] - published[each]) / MINUTE
            if len(self.shown_at[each]) >= ENOUGH
            else np.inf
            for each in counted
        ]
        return Result(float(np.median(minutes)), self._engine.metrics.share_with_new() or 0.0, self.outcomes)


def run_arm(database: Database, world: World, ranker: Ranker, arm: Arm, start: int, days: int) -> Result:
    """Return the figures of the feed with `arm` for `days` days from `start` (microseconds)."""
    with database.read() as connection, Replay(connection, start) as past:
        loop = FeedLoop(world, past.advance(start), ranker, arm, seed=11)
    reader, at, _ = draw_visits(world.readers, days, start, np.random.default_rng(12))
    for number, (row, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        loop.visit(number, row, when)
    return loop.result(start, start + days * DAY)


def trained_ranker(world: World, start: int) -> Ranker:
    """Return a ranker trained on the slates of `world` before `start` (microseconds)."""
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        ranker = trained(past_data(database, world, start), start).clicks
        database.close()
    return ranker


def main() -> None:
    """Run the feed without and with trials of new articles, for several seeds, and print the figures."""
    defaults = Settings()
    parser = argparse.ArgumentParser(description="impressions of new articles, and their cost")
    parser.add_argument("--readers", type=int, default=1_200)
    parser.add_argument("--trained-on", type=int, default=300, help="readers whose slates the ranker learns from")
    parser.add_argument("--articles", type=int, default=72)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--live", type=int, default=1)
    parser.add_argument("--first", type=int, default=7, help="first seed of the simulation")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--explore", type=float, nargs="+", default=[defaults.explore])
    parser.add_argument("--fresh", type=float, nargs="+", default=[defaults.fresh_share])
    given = parser.parse_args()
    start = round(START.timestamp()) * 1_000_000 + (given.days - given.live) * DAY
    arms = [Arm(explore=explore, fresh_share=fresh) for explore in given.explore for fresh in given.fresh]
    for seed in range(given.first, given.first + given.seeds):
        ranker = trained_ranker(simulate(given.trained_on, given.articles, given.days, seed), start)
        world = simulate(given.readers, given.articles, given.days, seed)
        with TemporaryDirectory() as folder:
            database = stored(world, f"sqlite:///{folder}/attune.db")
            without = run_arm(
                database, world, ranker, Arm(explore=defaults.explore, fresh_share=0.0), start, given.live
            )
            _print(seed, "without", without, without)
            for arm in arms:
                _print(seed, str(arm), run_arm(database, world, ranker, arm, start, given.live), without)
            database.close()


def _print(seed: int, name: str, result: Result, without: Result) -> None:
    faster, gain = without.minutes / result.minutes, result.value / without.value - 1
    print(
        f"seed {seed}, {name}: {result.minutes:.0f} minutes to {ENOUGH} impressions ({faster:.1f}x faster), "
        f"{result.under_an_hour:.1%} of {result.outcomes.visits.sum():,.0f} feeds under an hour, "
        f"{result.value:.4f} a minute ({gain:+.2%})",
        flush=True,
    )


if __name__ == "__main__":
    main()
