"""Recall of the planted interests of simulated readers.

    python -m benchmarks.interests [--readers 800] [--articles 2200] [--days 14]

Of the three categories that a reader prefers, the number among the three that `GET /v1/readers/{id}/attention`
lists first, and among the three with most clicks. Goal: nine in ten, for readers with at least 20 clicks.
"""

import argparse
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.newsroom import stored
from recsys.domain import DAY
from recsys.insight.category_affinity import category_affinities
from recsys.projection.log_replay import Replay
from recsys.simulate.phrases import CATEGORIES
from recsys.simulate.readers import INTERESTS
from recsys.simulate.world import World, simulate
from recsys.state.live_state import LiveState

GOAL, KNOWN = 0.9, 20
"""Goal for the recall, and the minimum of clicks."""

_EDGES = (0, 10, 20, 30, 50, 80)
_NAMES = [category.name for category in CATEGORIES]

Floats = NDArray[np.float64]


def planted(world: World) -> Floats:
    """Return the share of each category in each reader's interest [R, categories]."""
    affinities = world.readers.category_affinities()
    return np.asarray([[affinities[reader][name] for name in _NAMES] for reader in world.readers.ids])


def found(world: World, state: LiveState, as_of: int) -> tuple[Floats, Floats, Floats]:
    """Return affinities of the profile [R, categories], clicks by category [R, categories], and clicks [R]."""
    profile, clicks = (np.zeros((len(world.readers.ids), len(_NAMES))) for _ in range(2))
    for place, reader in enumerate(world.readers.ids):
        row = state.readers.get(reader)
        categories, affinities = category_affinities(state, row, state.history(reader).article, as_of)
        names = [_NAMES.index(state.catalog.categories.strings[code]) for code in categories]
        profile[place, names] = affinities
    events = world.events.filter((pl.col("kind") == "click") & (pl.col("known_at") < as_of))
    of = dict(world.articles.select("id", "category").iter_rows())
    for reader, article in events.select("reader", "article").iter_rows():
        clicks[world.readers.places[reader], _NAMES.index(of[article])] += 1
    return profile, clicks, clicks.sum(axis=1)


def recall(estimate: Floats, truth: Floats) -> Floats:
    """Return the share of each reader's [R] best categories that are among the estimated best."""
    best, guessed = (np.argsort(-each, axis=1, kind="stable")[:, :INTERESTS] for each in (truth, estimate))
    return np.asarray((best[:, :, None] == guessed[:, None, :]).any(axis=2).mean(axis=1))


def main() -> None:
    """Print the recall by number of clicks."""
    parser = argparse.ArgumentParser(description="recall of planted interests")
    for name, default in (("readers", 800), ("articles", 2_200), ("days", 14)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    world = simulate(given.readers, given.articles, given.days)
    start = int(world.slates["at"].max()) - DAY  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        with database.read() as connection, Replay(connection, start) as past:
            profile, clicks, count = found(world, past.advance(start), start)
        database.close()
    truth = planted(world)
    by_profile, by_clicks = recall(profile, truth), recall(clicks, truth)
    print(f"recall of {INTERESTS} preferred categories by the profile and by clicks, by number of clicks")
    for low, high in [(KNOWN, np.inf), *zip(_EDGES, [*_EDGES[1:], np.inf], strict=True)]:
        chosen = (count >= low) & (count < high)
        means = by_profile[chosen].mean(), by_clicks[chosen].mean()
        print(f"{low:4} to {high:4}: {chosen.sum():4} readers, {means[0]:.3f} and {means[1]:.3f}")
    reached = by_profile[count >= KNOWN].mean()
    print(f"goal {GOAL}: {'met' if reached >= GOAL else 'missed'}")


if __name__ == "__main__":
    main()
