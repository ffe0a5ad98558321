"""Off-policy estimates of real feeds of the product, against the truth of the simulated newsroom.

    python -m benchmarks.off_policy_feeds [--readers 150] [--explore 0.1 0.3]

Simulated readers visit the feed of a trained ranker with exploration for a day. From that log, the clicks on the
feed of another policy are estimated: the same ranker with less exploration (near), and the untrained ranker (far).
The truth is the mean of slates that the target fills from the certain positions of the log (`DRAWS` for each), by
the click model of the simulation.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.fresh import SLATE, Arm, FeedLoop, trained_ranker
from benchmarks.newsroom import stored
from recsys.domain import DAY, Event, FeedRequest, Slate
from recsys.evaluation.off_policy.counterfactual import estimates, slates_with_propensities
from recsys.evaluation.off_policy.feed_replay import replayed_slates
from recsys.evaluation.off_policy.logged_outcomes import CLICKS, LoggedOutcomes
from recsys.evaluation.off_policy.target_chances import PredictedClicks
from recsys.evaluation.run_evaluation import TimeWindow
from recsys.evaluation.scored_slates import Floats
from recsys.feed.engine import FeedEngine
from recsys.feed.retrieval import FeedLimits
from recsys.feed.selection.open_positions import OpenPositions
from recsys.frames import events_frame, slates_frame
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import Candidates
from recsys.ranking.ranker import HeuristicRanker, Ranker
from recsys.simulate.truth import chance, click_logit, examination
from recsys.simulate.visits import draw_visits
from recsys.simulate.world import START, World, simulate
from recsys.state.live_state import LiveState
from recsys.store import event_log
from recsys.store.database import Database

DRAWS = 20
"""Slates of the target for each logged one, for the truth."""


class LoggedLoop(FeedLoop):
    """Visits whose slates, with propensities, and events are kept for the log of a database."""

    def __init__(self, world: World, state: LiveState, ranker: Ranker, arm: Arm, seed: int) -> None:
        super().__init__(world, state, ranker, arm, seed)
        self.slates: list[Slate] = []
        self.events: list[Event] = []
        self._drawn: tuple[int, tuple[float, ...]] = (0, ())

    def _ranked(self, number: int, reader: int, _: NDArray[np.int64], at: int) -> NDArray[np.int64]:
        ranking = self._feed(number, reader, at)
        self._drawn = (ranking.as_of, tuple(item.propensity for item in ranking.items))
        return np.asarray([self._world.newsroom.places[item.id] for item in ranking.items], dtype=np.int64)

    def _apply(self, events: list[Event], slates: list[Slate]) -> None:
        at, propensities = self._drawn
        slates = [replace(each, at=at, known_at=at, propensities=propensities) for each in slates]
        self.slates += slates
        self.events += events
        super()._apply(events, slates)


@dataclass
class FeedTarget:
    """Feed of a ranker. first: first article of each logged slate, by request.

    values: true clicks on the drawn positions of the target's slates, for each replayed request.
    """

    ranker: Ranker
    explore: float
    world: World
    first: Mapping[str, str]
    values: list[float] = field(default_factory=list)

    def engine(self, _: Database, __: pl.DataFrame, log: Replay) -> FeedEngine:
        """Return an engine without text, as that of the visits."""
        models = replace(Models.untrained(), feed=self.ranker)
        self._engine = FeedEngine(state=log.state, vectors=VectorTable(), models=models, limits=FeedLimits())
        return self._engine

    def clicks(self) -> PredictedClicks:
        """Return a rough model: the logistic of the ranker's score."""
        rng = np.random.default_rng(13)

        def predicted(request: FeedRequest, candidates: Candidates) -> Floats:
            assert candidates.features is not None
            self.values.append(self._true_clicks(request, candidates, rng))
            return chance(self.ranker.score(candidates.features))

        return predicted

    def _true_clicks(self, request: FeedRequest, candidates: Candidates, rng: np.random.Generator) -> float:
        state, rows = self._engine.state, candidates.rows.tolist()
        places = np.asarray(
            [self.world.newsroom.places[state.articles.strings[row]] for row in rows], dtype=np.int64
        )
        readers, reader = self.world.readers, np.asarray(self.world.readers.places[request.reader])
        clicks = chance(click_logit(readers, self.world.newsroom, reader, places, np.asarray(request.as_of)))
        first, seen = state.rows_of([self.first[request.request_id]]).tolist()[0], examination(np.arange(SLATE))
        total = 0.0
        for _ in range(DRAWS):
            positions = OpenPositions(self._engine.plan(request)[1])
            positions.take(rows.index(first) if first in rows else -1)
            while positions.open:
                draw = positions.exploration.draw(positions.remaining, rng)
                positions.take(positions.remaining[draw.pick])
            total += float((clicks[positions.taken[1:]] * seen[1 : len(positions.taken)]).sum())
        return total / DRAWS


def logged_visits(database: Database, world: World, ranker: Ranker, explore: float, start: int) -> TimeWindow:
    """Append a day of visits to the feed of `ranker` to the log, in place of the rows after `start`."""
    with database.read() as connection, Replay(connection, start) as past:
        loop = LoggedLoop(world, past.advance(start), ranker, Arm(explore=explore, fresh_share=0.0), seed=11)
    reader, at, _ = draw_visits(world.readers, 1, start, np.random.default_rng(12))
    for number, (row, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        loop.visit(number, row, when)
    loop.visit(len(reader), 0, int(at.max()) + DAY)  # folds what the last readers did; it is no part of the window
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(loop.events), slates_frame(loop.slates))
    return TimeWindow(start, start + DAY)


def compare(database: Database, window: TimeWindow, world: World, name: str, policy: tuple[Ranker, float]) -> None:
    """Print the estimates of clicks on the feed of a policy (ranker and exploration), and the truth."""
    slates, _ = slates_with_propensities(database, window)
    first = dict(zip(slates["id"].to_list(), slates["candidates"].list.first().to_list(), strict=True))
    target = FeedTarget(*policy, world, first)
    outcomes = LoggedOutcomes.of(list(replayed_slates(database, target, slates)))
    found = estimates(outcomes)
    weights = found["weights"]
    print(
        f"  {name}: truth {np.mean(target.values):.3f}, effective sample size "
        f"{weights['effective_sample_size']:.0f} of {len(outcomes.reader):,}, unsupported "
        f"{weights['unsupported']:.1%}; {found['refused'] or ''}",
        flush=True,
    )
    if found["refused"] is None:
        clicks = found["rewards"][CLICKS]
        _print("as logged", clicks["logged"])
        for each, figures in clicks["estimates"].items():
            _print(each, figures)


def _print(name: str, figures: dict[str, float]) -> None:
    print(f"    {name:10} {figures['mean']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Log visits with each share of exploration, and compare."""
    parser = argparse.ArgumentParser(description="off-policy estimates of feeds against the simulator's truth")
    parser.add_argument("--readers", type=int, default=150)
    parser.add_argument("--articles", type=int, default=72)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--explore", type=float, nargs="+", default=[0.1, 0.3])
    given = parser.parse_args(arguments)
    start = round(START.timestamp()) * 1_000_000 + 3 * DAY
    world = simulate(given.readers, given.articles, 4, given.seed)
    ranker = trained_ranker(simulate(300, given.articles, 4, given.seed), start)
    past = replace(
        world,
        events=world.events.filter(pl.col("known_at") < start),
        slates=world.slates.filter(pl.col("at") < start),
    )
    for explore in given.explore:
        with TemporaryDirectory() as folder:
            database = stored(past, f"sqlite:///{folder}/attune.db")
            window = logged_visits(database, world, ranker, explore, start)
            print(f"exploration {explore:.0%}")
            compare(database, window, world, "the same ranker, 5%", (ranker, 0.05))
            compare(database, window, world, "the untrained ranker", (HeuristicRanker(), explore))
            database.close()


if __name__ == "__main__":
    main()
