"""Reading utility per minute of simulated readers in a closed loop with a policy.

    python -m benchmarks.feed_value [--readers 400] [--articles 1500] [--days 8] [--live 2]

Policies; the rankers are trained on the days before, without text:

    popular             decayed clicks
    click-trained       ranker of feeds trained on clicks: every label above 0 is 1
    graded              the same on graded read-time labels
    worth               click probability × expected utility of a click (`ranking.expected_utility`, price 0)
    attune              the same, less the price of the minutes: the order of feeds
    oracle              knows the click probability
    oracle of worth     also knows the utility of a click
    oracle of value     the same, less a price of the minutes, which it knows too

All policies fill the same visits with ten of the available articles, and learn from the outcome of their own
slates through the same fold. Readers behave as in `recsys.simulate`.

Utility is the finished share of every article that was not a bounce, in articles; minutes are those of all reads,
including bounces, and of looking through the slates (2 s, and 1.2 s per article). Utility per visit shows whether
utility per minute rose only because less was read. No policy explores; popularity suffers most, because clicked
articles stay on top. Intervals: 1,000 draws of readers, paired.
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
from recsys.errors import DataError
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.evaluation.platt import Platt
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import ALL_FEATURES, FEED_FEATURES
from recsys.ranking.lambdamart import LambdaMart, LambdaMartConfig
from recsys.ranking.ranker import Ranker
from recsys.settings import MINUTE_PRICE
from recsys.simulate.behaviour import LOOK, LOOK_PER_POSITION, Clicks, draw_clicks, expected_reading
from recsys.simulate.policy import on_offer
from recsys.simulate.truth import chance, click_logit
from recsys.simulate.visits import draw_visits
from recsys.simulate.world import START, World, simulate
from recsys.state.live_state import LiveState
from recsys.store.database import Database
from recsys.training.entity_gate import gate_entities
from recsys.training.platt_fit import fit_platt
from recsys.training.ranker_training import PastSlates, as_served, past_slates
from recsys.training.training_run import silent
from recsys.training.utility_training import UtilityModelSkipped, train_utility

SLATE = 10
DRAWS = 1_000
_ORACLE_PRICE = 0.15
"""Articles that a minute must give: with it the oracle of value finishes as much per visit as that of clicks."""

_CONFIG = LambdaMartConfig()
_FEATURES = FEED_FEATURES.without("interest")

Floats = NDArray[np.float64]
Policy = Callable[[Callable[[], Floats], NDArray[np.int64], int, int], Floats]
"""Scores [n] of candidates, from the engine's features, or from their places, the reader's place and the time."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes by reader [R]: utility in articles, minutes, visits (slates), clicks, words of clicked articles."""

    value: Floats
    minutes: Floats
    visits: Floats
    clicks: Floats
    words: Floats

    @classmethod
    def zero(cls, readers: int) -> "Outcomes":
        """Return the outcomes before the first visit."""
        return cls(*(np.zeros(readers) for _ in range(5)))


def past_data(database: Database, world: World, until: int) -> PastSlates:
    """Return features and labels of all slates before `until`."""
    start = int(world.slates["at"].min())  # type: ignore[arg-type]
    with database.read() as connection, Replay(connection, until) as past:
        labelled_requests = load_labelled_requests(connection, start, until, world.articles, until)
        return past_slates(FeedEngine(state=past.state, vectors=VectorTable()), past, labelled_requests, silent)


@dataclass(frozen=True, slots=True)
class Trained:
    """Rankers of feeds: by clicks, by graded labels, by utility, and by utility less the price of minutes."""

    clicks: Ranker
    graded: Ranker
    utility: Ranker
    value: Ranker


def trained(slates: PastSlates, until: int, share: float = MINUTE_PRICE) -> Trained:
    """Train all with the number of trees that the last day before `until` selects; `share`: price of a minute.

    Raises:
        DataError: the reads are too few to train the utility model.
    """
    gate_entities(slates, until - DAY, _CONFIG).apply(slates)
    labels = np.minimum(slates.data.labels, 1).astype(np.int8)
    clicks, _ = _ranker(replace(slates, data=replace(slates.data, labels=labels)), until)
    graded, odds = _ranker(slates, until)
    valued = train_utility(slates, until - DAY, _FEATURES, _CONFIG, share, odds)
    if isinstance(valued, UtilityModelSkipped):
        raise DataError(f"{valued.why}: simulate more readers or days")
    print({name: _short(value) for name, value in valued.figures.items()}, "price", _short(valued.price))
    return Trained(clicks, graded, replace(valued, price=0.0).ranker(graded), valued.ranker(graded))


def _ranker(slates: PastSlates, until: int) -> tuple[LambdaMart, Platt]:
    """Return a ranker of feeds, and its click probability, from trees not trained on the day it is fitted on."""
    held_out = as_served(slates.since(until - DAY))
    validated = lambdamart.fit(slates.before(until - DAY), held_out, _FEATURES, _CONFIG)
    odds = fit_platt(validated.score(held_out.features), held_out.labels > 0)
    return lambdamart.refit(slates.data, _FEATURES, _CONFIG, validated.trees), odds


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def policies(world: World, rankers: Trained) -> Mapping[str, Policy]:
    """Return the policies by name."""
    popular = ALL_FEATURES.names.index("clicks_4h")

    def by(ranker: Ranker) -> Policy:
        return lambda prepare, *_: ranker.score(prepare())

    def oracle(price: float | None) -> Policy:
        def score(_: Callable[[], Floats], places: NDArray[np.int64], reader: int, at: int) -> Floats:
            rows = np.asarray(reader)
            clicks = chance(click_logit(world.readers, world.newsroom, rows, places, np.asarray(at)))
            if price is None:
                return clicks
            utility, minutes = expected_reading(world.readers, world.newsroom, rows, places)
            return np.asarray(clicks * (utility - price * minutes))

        return score

    return {
        "popular": lambda prepare, *_: prepare()[:, popular],
        "click-trained": by(rankers.clicks),
        "graded": by(rankers.graded),
        "worth": by(rankers.utility),
        "attune": by(rankers.value),
        "oracle": oracle(None),
        "oracle of worth": oracle(0.0),
        "oracle of value": oracle(_ORACLE_PRICE),
    }


class ClosedLoop:
    """Visits of the readers of `world` with one policy."""

    def __init__(self, world: World, state: LiveState, policy: Policy, seed: int) -> None:
        self._world, self._engine, self._policy = world, FeedEngine(state=state, vectors=VectorTable()), policy
        self._rng = np.random.default_rng(seed)
        self._pending: list[tuple[int, str, Event]] = []
        count = len(world.readers.ids)
        self._read = np.zeros((count, len(world.newsroom.ids)), dtype=np.bool_)
        for reader, article in world.events.filter(pl.col("known_at") <= state.known_at)[
            "reader", "article"
        ].rows():
            self._read[world.readers.places[reader], world.newsroom.places[article]] = True
        self.outcomes = Outcomes.zero(count)

    def visit(self, number: int, reader: int, at: int) -> None:
        """Fill one slate, and simulate the reader's behaviour on it."""
        self._fold(at)
        offered = np.arange(len(self._world.newsroom.ids))[on_offer(self._world.newsroom.published_at, at)]
        offered = offered[~self._read[reader, offered]]
        shown = self._ranked(number, reader, offered, at)
        rows = np.asarray([reader])
        clicks = draw_clicks(
            self._world.readers, self._world.newsroom, rows, np.asarray([at]), shown[None], self._rng
        )
        self._record(number, reader, shown, at, clicks)

    def _ranked(self, number: int, reader: int, offered: NDArray[np.int64], at: int) -> NDArray[np.int64]:
        names = tuple(self._world.newsroom.ids[offered].tolist())
        as_of = max(at, self._engine.state.known_at + 1)
        request = RankRequest(
            request_id=f"v{number}", as_of=as_of, candidates=names, reader=self._world.readers.ids[reader]
        )

        def features() -> Floats:
            _, candidates = self._engine.prepare(request)
            assert candidates.features is not None
            return candidates.features

        scores = self._policy(features, offered, reader, at)
        return offered[np.argsort(-scores, kind="stable")[:SLATE]]

    def _fold(self, at: int) -> None:
        """Fold the events known before `at`."""
        due = []
        while self._pending and self._pending[0][0] < at:
            due.append(heapq.heappop(self._pending)[2])
        self._apply(due, [])

    def _apply(self, events: list[Event], slates: list[Slate]) -> None:
        state = self._engine.state
        state.apply(state.encode_few(events, slates))

    def _record(self, number: int, reader: int, shown: NDArray[np.int64], at: int, clicks: Clicks) -> None:
        world, request = self._world, f"v{number}"
        name, ids = world.readers.ids[reader], world.newsroom.ids
        at = max(at, self._engine.state.known_at)
        self._apply(
            [],
            [
                Slate(
                    id=request,
                    reader=name,
                    at=at,
                    known_at=at,
                    candidates=tuple(ids[shown].tolist()),
                    ordered=True,
                )
            ],
        )
        self._read[reader, clicks.article] = True
        reads = zip(ids[clicks.article], clicks.at, clicks.read_at, clicks.seconds, strict=True)
        for article, opened, closed, seconds in reads:
            for kind, when, value in ((EventKind.CLICK, opened, None), (EventKind.READ, closed, float(seconds))):
                id_ = f"{request}:{kind.value}:{article}"
                event = Event(
                    id=id_,
                    reader=name,
                    kind=kind,
                    at=int(when),
                    known_at=int(when),
                    article=article,
                    value=value,
                    request_id=request,
                )
                heapq.heappush(self._pending, (event.known_at, id_, event))
        finished = np.where(clicks.bounced, 0.0, np.minimum(clicks.scroll, 100.0) / 100)
        looking = LOOK + LOOK_PER_POSITION * len(shown)
        self.outcomes.value[reader] += finished.sum()
        self.outcomes.minutes[reader] += (clicks.seconds.sum() + looking) / 60
        self.outcomes.visits[reader] += 1
        self.outcomes.words[reader] += world.newsroom.word_count[clicks.article].sum()
        self.outcomes.clicks[reader] += len(clicks.article)


def run_policy(database: Database, world: World, policy: Policy, start: int, days: int) -> Outcomes:
    """Return the outcomes of every reader with `policy` for `days` days from `start` (microseconds)."""
    with database.read() as connection, Replay(connection, start) as past:
        loop = ClosedLoop(world, past.advance(start), policy, seed=11)
    reader, at, _ = draw_visits(world.readers, days, start, np.random.default_rng(12))
    for number, (row, when) in enumerate(zip(reader.tolist(), at.tolist(), strict=True)):
        loop.visit(number, row, when)
    return loop.outcomes


def drawn(outcomes: Outcomes, by_visit: bool = False) -> Floats:
    """Return utility per minute, or per visit, in each draw of readers [draws], the same for all policies."""
    rng, count = np.random.default_rng(7), len(outcomes.value)
    picks = rng.integers(0, count, size=(DRAWS, count))
    spent = outcomes.visits if by_visit else outcomes.minutes
    return np.asarray(outcomes.value[picks].sum(axis=1) / spent[picks].sum(axis=1))


def _interval_text(draws: Floats, mean: float) -> str:
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"{mean:7.4f} [{low:.4f}, {high:.4f}]"


def _gain(results: Mapping[str, Outcomes], one: str, other: str, by_visit: bool) -> str:
    """Return the relative gain of `one` over `other`, with its interval."""
    draws = drawn(results[one], by_visit) / drawn(results[other], by_visit) - 1
    spent = [results[name].visits if by_visit else results[name].minutes for name in (one, other)]
    means = [results[name].value.sum() / each.sum() for name, each in zip((one, other), spent, strict=True)]
    return _interval_text(draws, float(means[0] / means[1] - 1))


def report(results: Mapping[str, Outcomes]) -> None:
    """Print the outcomes of every policy, and the gains of Attune and of the oracles over others."""
    for name, each in results.items():
        value, clicks = each.value.sum(), each.clicks.sum()
        print(
            f"{name:16} a minute {_interval_text(drawn(each), value / each.minutes.sum())}, a visit "
            f"{value / each.visits.sum():.3f}; {value:6,.0f} articles, {each.minutes.sum():7,.0f} minutes, "
            f"{clicks:6,.0f} clicks of {each.words.sum() / clicks:.0f} words",
            flush=True,
        )
    pairs = [("attune", other) for other in ("popular", "click-trained", "graded", "worth", "oracle")]
    for one, other in [*pairs, ("oracle of worth", "oracle"), ("oracle of value", "oracle")]:
        minute, visit = (_gain(results, one, other, by_visit) for by_visit in (False, True))
        print(f"{one} over {other:14} a minute {minute}, a visit {visit}")


def main() -> None:
    """Run every policy, and print the outcomes."""
    parser = argparse.ArgumentParser(description="reading utility per minute, by policy")
    parser.add_argument("--readers", type=int, default=400)
    parser.add_argument("--articles", type=int, default=1_500)
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--live", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7, help="seed of the simulation")
    parser.add_argument("--price", type=float, default=MINUTE_PRICE, help="price of a minute, as in the settings")
    given = parser.parse_args()
    world = simulate(given.readers, given.articles, given.days, given.seed)
    start = round(START.timestamp()) * 1_000_000 + (given.days - given.live) * DAY
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        slates = past_data(database, world, start)
        print(
            f"{len(slates.data.sizes):,} training slates, {given.live} simulated days of {given.readers} readers"
        )
        table = policies(world, trained(slates, start, given.price))
        report({name: run_policy(database, world, policy, start, given.live) for name, policy in table.items()})
        database.close()


if __name__ == "__main__":
    main()
