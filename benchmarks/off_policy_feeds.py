"""Off-policy estimates of real feeds of the product, against the truth of the simulated newsroom.

    python -m benchmarks.off_policy_feeds [--readers 150] [--explore 0.1 0.3]

Simulated readers visit the feed of a trained ranker with exploration for a day. From that log, the clicks on the
feed of another policy are estimated: the same ranker with less exploration (near), and the untrained ranker (far).
The truth is exact: the click model of the simulation over the chances of the target at each drawn position.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.fresh import SLATE, Arm, FeedLoop, trained_ranker
from benchmarks.newsroom import stored
from recsys.domain import DAY, Event, FeedRequest, Slate
from recsys.evaluation.off_policy.counterfactual import estimates, slates_with_propensities
from recsys.evaluation.off_policy.feed_replay import replayed_slates
from recsys.evaluation.off_policy.logged_outcomes import CLICKS, POSITION, LoggedOutcomes
from recsys.evaluation.off_policy.target_chances import PredictedClicks
from recsys.evaluation.run_evaluation import TimeWindow
from recsys.evaluation.scored_slates import Floats
from recsys.feed.engine import FeedEngine
from recsys.feed.retrieval import FeedLimits
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
    """Feed of a ranker. truth: the newsroom if predictions are to be the true chances, else None."""

    ranker: Ranker
    explore: float
    truth: World | None = None
    state: LiveState | None = None

    def engine(self, _: Database, __: pl.DataFrame, log: Replay) -> FeedEngine:
        """Return an engine without text, as that of the visits."""
        self.state = log.state
        models = replace(Models.untrained(), feed=self.ranker)
        return FeedEngine(state=log.state, vectors=VectorTable(), models=models, limits=FeedLimits())

    def clicks(self) -> PredictedClicks:
        """Return the true chances, or a rough model: the logistic of the ranker's score."""

        def predicted(request: FeedRequest, candidates: Candidates) -> Floats:
            if self.truth is None:
                assert candidates.features is not None
                return chance(self.ranker.score(candidates.features))
            assert self.state is not None
            names = [self.state.articles.strings[row] for row in candidates.rows.tolist()]
            places = np.asarray([self.truth.newsroom.places[name] for name in names], dtype=np.int64)
            reader = np.asarray(self.truth.readers.places[request.reader])
            return chance(
                click_logit(self.truth.readers, self.truth.newsroom, reader, places, np.asarray(request.as_of))
            )

        return predicted


def logged_visits(database: Database, world: World, ranker: Ranker, explore: float, start: int) -> TimeWindow:
    """Append a day of visits to the feed of `ranker` to the log, in place of the rows after `start`."""
    with database.read() as connection, Replay(connection, start) as past:
        loop = LoggedLoop(world, past.advance(start), ranker, Arm(explore=explore, fresh_share=0.0), seed=11)
    reader, at, _ = draw_visits(world.readers, 1, start, np.random.default_rng(12))
    for number, (row, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        loop.visit(number, row, when)
    loop.visit(len(reader), 0, int(at.max()) + DAY)  # folds what the last readers did; it is no part of the window
    with database.write() as connection:
        event_log.append(connection, events_frame(loop.events), slates_frame(loop.slates))
    return TimeWindow(start, start + DAY)


def compare(database: Database, window: TimeWindow, world: World, name: str, target: FeedTarget) -> None:
    """Print the estimates of clicks on the feed of `target`, and the truth."""
    slates, _ = slates_with_propensities(database, window)
    outcomes = LoggedOutcomes.of(list(replayed_slates(database, target, slates)))
    exact = list(replayed_slates(database, replace(target, truth=world), slates))
    seen = examination(np.arange(SLATE))
    drawn = [(each.propensities > 0) & (each.propensities < 1) for each in exact]
    values = [
        float((each.chances.expected * seen[: len(mask)])[mask].sum())
        for each, mask in zip(exact, drawn, strict=True)
        if mask.any()
    ]
    found = estimates(outcomes, POSITION)
    weights = found["weights"]
    print(
        f"  {name}: truth {np.mean(values):.3f}, effective sample size {weights['effective_sample_size']:.0f} of "
        f"{len(outcomes.ratio):,}, unsupported {weights['unsupported']:.1%}; {found['refused'] or ''}",
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
            compare(database, window, world, "the same ranker, 5%", FeedTarget(ranker, 0.05))
            compare(database, window, world, "the untrained ranker", FeedTarget(HeuristicRanker(), explore))
            database.close()


if __name__ == "__main__":
    main()
