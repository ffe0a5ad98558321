"""The trainings of `benchmarks.position_bias` on simulated newsrooms, with the features of the product.

    python -m benchmarks.position_bias_newsroom [--seeds 10] [--readers 300] [--articles 700] [--days 6]

Slates are drawn by popularity, age and chance, so places hide less than those of a ranker. Rankers learn from all
days but the last, and are judged on that one. Exits with 1 if weights lose to the training without them.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks.newsroom import stored
from benchmarks.position_bias import WORLDS, Floats, Judged, Outcome, compared, report
from recsys.domain import DAY
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.simulate.truth import chance, click_logit
from recsys.simulate.world import World, simulate
from recsys.store import articles
from recsys.training.ranker_training import PastSlates, as_served, past_slates
from recsys.training.training_run import silent


def outcome(seed: int, exponent: float, given: argparse.Namespace) -> Outcome:
    """Simulate a world, train on all days but the last, and judge on that."""
    world = simulate(given.readers, given.articles, given.days, seed, position_bias=exponent)
    slates, gains = _slates(world)
    cut = int(slates.at[-1]) - DAY
    late = as_served(slates.since(cut))
    return compared(slates.before(cut), Judged(late, gains[-len(late.labels) :]), seed)


def _slates(world: World) -> tuple[PastSlates, Floats]:
    """Return the slates that rankers can learn from, and the true chance of each candidate [N], if seen."""
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{Path(folder) / 'attune.db'}")
        with database.read() as connection:
            everything, _ = articles.upserted_since(connection, 0)
            end = int(np.max(world.events["known_at"].to_numpy())) + 1
            requests = load_labelled_requests(connection, 0, end, everything, end)
            with Replay(connection, end) as log:
                slates = past_slates(FeedEngine(state=log.state, vectors=VectorTable()), log, requests, silent)
        database.close()
    labels = pl.col("labels").list
    learnable = requests.filter((labels.max() > 0) & (labels.min() == 0))
    shown = learnable.select("reader", "at", "candidates").explode("candidates")
    reader = np.asarray([world.readers.places[each] for each in shown["reader"].to_list()])
    article = np.asarray([world.newsroom.places[each] for each in shown["candidates"].to_list()])
    return slates, chance(click_logit(world.readers, world.newsroom, reader, article, shown["at"].to_numpy()))


def main() -> None:
    """Print the figures; exit with 1 if weights lose in any kind of world."""
    parser = argparse.ArgumentParser(description="training weighted by examination, on newsrooms")
    for name, default in (("seeds", 10), ("readers", 300), ("articles", 700), ("days", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    highest = []
    for kind, exponent in WORLDS.items():
        found = report(kind, [outcome(seed, exponent, given) for seed in range(1, given.seeds + 1)])
        highest.append(found["both - column"][1])
    sys.exit(min(highest) < 0)


if __name__ == "__main__":
    main()
