"""Trials of new articles: how soon they are shown, and what that costs the readers, in the simulator.

The same readers make the same visits to the feed of one ranker, without new articles in its exploration and with
them. The ranker was trained on fewer readers of the same newsroom. Each feed learns from the outcome of its own
slates, through the fold.

    minutes to 100      median, over the articles of the first part of the live hours, of the minutes from
                        publication to the 100th impression; an article that never has 100 counts as the minutes
                        that it was followed, so the figure of the feed without trials is a lower bound
    under an hour       share of feeds with an article under an hour old
    a minute            finished articles per minute, as in `benchmarks.feed_value`

Whether trials can help is arithmetic. A feed has 9 · explore · share places for them, so with F feeds and A new
articles a minute there are 9 · explore · share · F / A for each article: 100 only if F / A is at least 278 with
the defaults. And the ranker alone shows each of N competing articles in about 10 / N of the feeds: if N is small,
it has 100 impressions soon enough. Trials are for a newsroom of hundreds of articles a day and tens of feeds a
minute, which is the default world; `rush` is how many times as often as usual its readers come in the live hours.

Intervals: 1,000 draws of articles, or of readers, paired.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.feed_value import DRAWS, ClosedLoop, Outcomes, drawn, past_data, trained
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
GOAL, LOST = 5.0, 0.01

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Exploration of one feed: its share of positions, and the share of the draws that try new articles."""

    explore: float
    fresh_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Live time, microseconds: visits from `start` to `end`; counted articles appear from `start` to `counted`."""

    start: int
    counted: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one feed.

    minutes: to `ENOUGH` impressions, or followed, by counted article [n]. reached: whether they had so many [n].
    under_an_hour: share of feeds. outcomes: by reader.
    """

    minutes: Floats
    reached: NDArray[np.bool_]
    under_an_hour: float
    outcomes: Outcomes

    @property
    def value(self) -> float:
        """Finished articles per minute."""
        return float(self.outcomes.value.sum() / self.outcomes.minutes.sum())

    @classmethod
    def joined(cls, parts: Sequence["Result"]) -> "Result":
        """Return the figures of all articles and readers of `parts`."""
        outcomes = Outcomes(*map(np.concatenate, zip(*(astuple(part.outcomes) for part in parts), strict=True)))
        return cls(
            np.concatenate([part.minutes for part in parts]),
            np.concatenate([part.reached for part in parts]),
            float(np.mean([part.under_an_hour for part in parts])),
            outcomes,
        )


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
            explain=False,
        )
        return self._engine.recommend(request).ranking

    def _ranked(self, number: int, reader: int, _: Ints, at: int) -> Ints:
        items = self._feed(number, reader, at).items
        shown = np.asarray([self._world.newsroom.places[item.id] for item in items], dtype=np.int64)
        for article in shown.tolist():
            self.shown_at[article].append(at)
        return shown

    def result(self, hours: Hours) -> Result:
        """Return the figures of the live hours."""
        published = self._world.newsroom.published_at
        counted = np.flatnonzero((published >= hours.start) & (published < hours.counted))
        shown_at = [self.shown_at[each] for each in counted]
        reached = np.asarray([len(times) >= ENOUGH for times in shown_at], dtype=np.bool_)
        last = np.asarray([times[ENOUGH - 1] if len(times) >= ENOUGH else hours.end for times in shown_at])
        minutes = (last - published[counted]) / MINUTE
        return Result(minutes, reached, self._engine.metrics.share_with_new() or 0.0, self.outcomes)


def run_arm(database: Database, world: World, ranker: Ranker, arm: Arm, hours: Hours, rush: float) -> Result:
    """Return the figures of the feed with `arm`."""
    with database.read() as connection, Replay(connection, hours.start) as past:
        loop = FeedLoop(world, past.advance(hours.start), ranker, arm, seed=11)
    reader, at = visits(world, hours, rush)
    for number, (row, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        loop.visit(number, row, when)
    return loop.result(hours)


def visits(world: World, hours: Hours, rush: float) -> tuple[Ints, Ints]:
    """Return the readers and times of the slates in the live hours: `rush` times as many as usual."""
    busy = replace(world.readers, visits_a_day=world.readers.visits_a_day * rush)
    reader, at, _ = draw_visits(busy, 1, hours.start // DAY * DAY, np.random.default_rng(12))
    live = (at >= hours.start) & (at < hours.end)
    return reader[live], at[live]


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
    for name, default, meaning in (
        ("readers", 8_000, "readers"),
        ("trained-on", 1_000, "readers whose slates the ranker learns from"),
        ("articles", 800, "articles of all days, and of the day before"),
        ("days", 3, "days of the log; the live hours are on the last one"),
        ("from-hour", 10, "hour of the day, UTC, at which the live hours begin"),
        ("first", 7, "first seed of the simulation"),
        ("seeds", 2, "number of seeds"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=meaning)
    parser.add_argument("--hours", type=float, default=3.0, help="live hours")
    parser.add_argument("--counted", type=float, default=1.5, help="hours whose new articles are counted")
    parser.add_argument(
        "--rush", type=float, default=8.0, help="visits in the live hours, as a multiple of the usual"
    )
    parser.add_argument("--explore", type=float, nargs="+", default=[defaults.explore])
    parser.add_argument("--fresh", type=float, nargs="+", default=[defaults.fresh_share])
    given = parser.parse_args()
    start = round(START.timestamp()) * 1_000_000 + (given.days - 1) * DAY + given.from_hour * HOUR
    hours = Hours(start=start, counted=start + int(given.counted * HOUR), end=start + int(given.hours * HOUR))
    tried = [Arm(explore=explore, fresh_share=fresh) for explore in given.explore for fresh in given.fresh]
    arms = [Arm(explore=defaults.explore, fresh_share=0.0), *tried]
    found: dict[Arm, list[Result]] = {arm: [] for arm in arms}
    for seed in range(given.first, given.first + given.seeds):
        ranker = trained_ranker(simulate(given.trained_on, given.articles, given.days, seed), start)
        world = simulate(given.readers, given.articles, given.days, seed)
        print(f"seed {seed}: {arithmetic(world, hours, given.rush, tried[0])}", flush=True)
        with TemporaryDirectory() as folder:
            database = stored(world, f"sqlite:///{folder}/attune.db")
            for arm in arms:
                found[arm].append(run_arm(database, world, ranker, arm, hours, given.rush))
                print(f"seed {seed}, {arm}: {report(found[arm][-1], found[arms[0]][-1])}", flush=True)
            database.close()
    without = Result.joined(found[arms[0]])
    for arm in arms:
        print(f"all seeds, {arm}: {report(Result.joined(found[arm]), without)}")
    print(f"goals: {GOAL:g} times sooner, at a loss of at most {LOST:.0%} a minute")


def arithmetic(world: World, hours: Hours, rush: float, arm: Arm) -> str:
    """Return the feeds and new articles a minute, and the places of `arm` for each new article."""
    published, live = world.newsroom.published_at, (hours.end - hours.start) / MINUTE
    feeds = len(visits(world, hours, rush)[0]) / live
    articles = np.count_nonzero((published >= hours.start) & (published < hours.end)) / live
    places = (SLATE - 1) * arm.explore * arm.fresh_share * feeds / articles
    return f"{feeds:.0f} feeds and {articles:.2f} new articles a minute: {places:.0f} places to try each"


def report(result: Result, without: Result) -> str:
    """Return the figures of one feed, beside those of the feed `without` trials."""
    picks = np.random.default_rng(7).integers(0, len(result.minutes), size=(DRAWS, len(result.minutes)))
    sooner = np.median(without.minutes[picks], axis=1) / np.median(result.minutes[picks], axis=1)
    gains = drawn(result.outcomes) / drawn(without.outcomes) - 1
    median = float(np.median(result.minutes))
    times, gain = float(np.median(without.minutes)) / median, result.value / without.value - 1
    return (
        f"{median:.0f} minutes to {ENOUGH} impressions (reached by {result.reached.mean():.0%} of "
        f"{len(result.minutes)}), {times:.1f}x sooner {_interval(sooner, '.1f')}; "
        f"{result.under_an_hour:.1%} of {result.outcomes.visits.sum():,.0f} feeds with one under an hour; "
        f"{result.value:.4f} a minute, {gain:+.2%} {_interval(gains, '+.2%')}"
    )


def _interval(draws: Floats, form: str) -> str:
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"[{low:{form}}, {high:{form}}]"


if __name__ == "__main__":
    main()
