"""Choice from everything: the true chance of a click of the articles in feeds picked from all articles.

    python -m benchmarks.choice [--folder FOLDER] [--seeds 5] [--first 7] [--readers 800] [--articles 2200]

For each seed, a world of its own, and a bundle trained until a day before the end of its log, as by `attune demo`;
FOLDER, if given, keeps both, so that a second run only measures. At the end of the log each reader gets a feed of
ten. The figure is the mean true chance of a click of its articles, if seen, by `simulate.truth`, with their age:

    popular          the most recent clicks
    rank             the order of `POST /v1/rank` over all articles
    feed             the feed
    all candidates   the feed, when every article is a candidate: what retrieval loses
    by clicks        the feed in order of the chance of a click: no price of minutes
    posterior        the exact posterior of the reader's tastes, appeal learned from the log: `taste_posterior`
    known appeal     the same, where the posterior knows every article's appeal
    within rules     the posterior again, limited to what a feed may show: one article of a story, ages within
                     reach, caps
    oracle           knows the chance of a click

Goals: 0.54 for the feed on the mean of the seeds, and 1% lost by retrieval. Intervals are Student's, over seeds.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.newsroom import room, stored
from benchmarks.taste_posterior import TastePosterior, exposures_of, taste_posterior
from recsys.constants import HalfLife
from recsys.domain import DAY, HOUR, FeedRequest, RankRequest
from recsys.encoder.lazy import LazyEncoder
from recsys.feed.engine import FeedEngine
from recsys.feed.point_in_time import engine_at
from recsys.feed.selection.slate_selection import fill
from recsys.models import bundle as bundles
from recsys.models.model_loader import FEED_RANKER, TrainedSystem, load_bundle
from recsys.ranking.score_scaling import PlattScaling
from recsys.settings import Settings, load_settings
from recsys.simulate.truth import chance, click_logit
from recsys.simulate.world import World, simulate
from recsys.state.event_codes import CLICKS
from recsys.store.database import Database, open_database
from recsys.training.pipeline import train

SLATE = 10
GOAL, LOST = 0.54, 0.01

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Picks = Callable[[int], Ints]
"""Reader's place → places of the picked articles in the newsroom, best first."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Mean true chance of a click, and mean age in hours, of the picked articles."""

    chance: float
    hours: float


@dataclass(frozen=True, eq=False)
class Room:
    """World with its log and bundle, at the end of the log, `now` (microseconds)."""

    world: World
    settings: Settings
    database: Database
    now: int

    @classmethod
    def of(cls, folder: Path, seed: int, readers: int, articles: int, days: int) -> "Room":
        """Simulate the world of `seed`; store it and train its bundle unless `folder` has both."""
        home = folder / f"{seed}-{readers}-{articles}-{days}"
        home.mkdir(parents=True, exist_ok=True)
        settings = load_settings(database_url=f"sqlite:///{home / 'attune.db'}", home=home)
        world = simulate(readers, articles, days, seed)
        now = int(world.slates["at"].max()) + 1  # type: ignore[arg-type]
        if bundles.active_version(home) is None:
            database = stored(world, settings.database_url)
            train(database, settings, LazyEncoder(settings), now - 1 - DAY)
        else:
            database = open_database(settings.database_url)
        return cls(world, settings, database, now)

    def engine(self) -> FeedEngine:
        """Return the engine at the end of the log."""
        return engine_at(self.database, self.settings, LazyEncoder(self.settings), self.now)

    def unopened(self) -> list[Ints]:
        """Return for each reader the places of the published articles without a click of the reader."""
        newsroom, readers = self.world.newsroom, self.world.readers
        opened = np.zeros((len(readers.ids), len(newsroom.ids)), dtype=np.bool_)
        for reader, article in self.world.events.select("reader", "article").iter_rows():
            opened[readers.places[reader], newsroom.places[article]] = True
        published = newsroom.published_at < self.now
        return [np.flatnonzero(published & ~row) for row in opened]

    def truth(self, reader: int, articles: Ints) -> Floats:
        """Return the true chance of a click of `reader` on `articles` [n], if seen."""
        readers, at = np.asarray(reader), np.asarray(self.now)
        return chance(click_logit(self.world.readers, self.world.newsroom, readers, articles, at))

    def figure(self, picks: Picks) -> Figure:
        """Return the figures of the picks of all readers."""
        chances, hours = [], []
        for reader in range(len(self.world.readers.ids)):
            articles = picks(reader)
            chances.append(self.truth(reader, articles).mean())
            hours.append(((self.now - self.world.newsroom.published_at[articles]) / HOUR).mean())
        return Figure(float(np.mean(chances)), float(np.mean(hours)))


def figures(room: Room) -> Mapping[str, Figure]:
    """Return the figures of all systems."""
    engine, places, ids = room.engine(), room.world.newsroom.places, room.world.newsroom.ids
    names, unopened = room.world.readers.ids.tolist(), room.unopened()
    everything = replace(engine, limits=replace(engine.limits, pool=len(ids)))
    exposures = exposures_of(room.world, room.now)
    clicks = engine.state.counters.articles[:, CLICKS, HalfLife.HOURS_4]
    rows = engine.state.rows_of(ids.tolist())
    system = load_bundle(room.settings.home, LazyEncoder(room.settings).name)
    by_clicks = replace(engine, models=replace(engine.models, feed=system.click_ranker, utility=_chance(system)))

    def request(reader: int) -> FeedRequest:
        return FeedRequest(
            request_id=f"choice-{reader}", as_of=room.now, reader=names[reader], limit=SLATE, explain=False
        )

    def feed(of: FeedEngine, reader: int) -> Ints:
        return np.asarray([places[item.id] for item in of.recommend(request(reader)).ranking.items])

    def rank(reader: int) -> Ints:
        request = RankRequest(
            request_id=f"choice-{reader}",
            as_of=room.now,
            reader=names[reader],
            candidates=tuple(ids[unopened[reader]].tolist()),
        )
        return np.asarray([places[item.id] for item in engine.rank(request).items[:SLATE]])

    def best(score: Callable[[int, Ints], Floats]) -> Picks:
        return lambda reader: unopened[reader][np.argsort(-score(reader, unopened[reader]), kind="stable")[:SLATE]]

    def posterior(tastes: TastePosterior) -> Picks:
        return best(lambda reader, articles: tastes.chances(reader, articles, room.now))

    def within_rules(reader: int) -> Ints:
        candidates, plan = everything.plan(request(reader))
        articles = np.asarray([places[engine.state.articles.strings[row]] for row in candidates.rows])
        chances = learned.chances(reader, articles, room.now)
        plan = replace(plan, order=np.argsort(-chances, kind="stable"), utilities=chances)
        return articles[fill(plan, np.random.default_rng(0)).places]

    learned = taste_posterior(room.world, exposures, know_appeal=False)
    return {
        "popular": room.figure(best(lambda _, articles: clicks[rows[articles]])),
        "rank": room.figure(rank),
        "feed": room.figure(lambda reader: feed(engine, reader)),
        "all candidates": room.figure(lambda reader: feed(everything, reader)),
        "by clicks": room.figure(lambda reader: feed(by_clicks, reader)),
        "posterior": room.figure(posterior(learned)),
        "known appeal": room.figure(posterior(taste_posterior(room.world, exposures, know_appeal=True))),
        "within rules": room.figure(within_rules),
        "oracle": room.figure(best(room.truth)),
    }


def _chance(system: TrainedSystem) -> PlattScaling:
    fit = system.manifest["score_calibration"][FEED_RANKER]
    return PlattScaling(fit["slope"], fit["intercept"])


def _interval(values: Floats) -> str:
    """Return the 95% interval of the mean of `values` [seeds], nothing for one seed."""
    if len(values) < 2:
        return ""
    half = float(stats.t.ppf(0.975, len(values) - 1)) * values.std(ddof=1) / np.sqrt(len(values))
    return f" [{values.mean() - half:.4f}, {values.mean() + half:.4f}]"


def main() -> None:
    """Print the figures of each seed, and their means with the goals."""
    parser = argparse.ArgumentParser(description="choice from everything")
    parser.add_argument("--folder", type=Path)
    for name, default in (("seeds", 5), ("first", 7), ("readers", 800), ("articles", 2_200), ("days", 14)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    found: list[Mapping[str, Figure]] = []
    with room(given.folder) as folder:
        for seed in range(given.first, given.first + given.seeds):
            found.append(figures(Room.of(folder, seed, given.readers, given.articles, given.days)))
            parts = (f"{name} {figure.chance:.4f} ({figure.hours:.0f} h)" for name, figure in found[-1].items())
            print(f"seed {seed}: {', '.join(parts)}", flush=True)
    by_seed = {name: np.asarray([each[name].chance for each in found]) for name in found[0]}
    chances = {name: float(values.mean()) for name, values in by_seed.items()}
    print(
        "mean: " + ", ".join(f"{name} {values.mean():.4f}{_interval(values)}" for name, values in by_seed.items())
    )
    lost = 1 - chances["feed"] / chances["all candidates"]
    print(f"feed {chances['feed']:.4f}, goal {GOAL}: {'met' if chances['feed'] >= GOAL else 'missed'}")
    print(f"lost by retrieval {lost:.2%}, goal {LOST:.0%}: {'met' if lost <= LOST else 'missed'}")


if __name__ == "__main__":
    main()
