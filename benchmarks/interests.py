"""Whether Attune finds what simulated readers were made to like, and how far the best there can be would come.

    python -m benchmarks.interests [--readers 800] [--articles 2200] [--days 14] [--trials 900]

Of the three categories that a reader likes best, how many are among the three that
`GET /v1/readers/{id}/attention` names first, and among those read most. The learner with the best chances samples
from the posterior of all readers' tastes and all articles' appeal (`benchmarks.posterior`); 0 trials leave it out.
It also orders the slates of the last day, which shows what of the oracle's AUC can be known from the log at all.
"""

import argparse
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.newsroom import stored
from benchmarks.posterior import Posterior, sampled
from recsys.domain import DAY
from recsys.evaluation import metrics
from recsys.evaluation.slates import ScoredSlates
from recsys.feed.follow import Replay
from recsys.feed.tastes import category_tastes
from recsys.simulate.truth import click_logit
from recsys.simulate.vocabulary import CATEGORIES
from recsys.simulate.world import World, simulate
from recsys.state.live import LiveState

TOP = 3
_EDGES = (0, 10, 20, 30, 50, 80)
_NAMES = [category.name for category in CATEGORIES]

Floats = NDArray[np.float64]


def planted(world: World) -> Floats:
    """Share of each category in each reader's interest [R, categories]."""
    tastes = world.readers.category_tastes()
    return np.asarray([[tastes[reader][name] for name in _NAMES] for reader in world.readers.ids])


def found(world: World, state: LiveState, as_of: int) -> tuple[Floats, Floats, Floats]:
    """What the profile says of each category [R, categories], clicks in it [R, categories], clicks in all [R]."""
    profile, clicks = (np.zeros((len(world.readers.ids), len(_NAMES))) for _ in range(2))
    for place, reader in enumerate(world.readers.ids):
        row = state.readers.get(reader)
        categories, tastes = category_tastes(state, row, state.history(reader).article, as_of)
        names = [_NAMES.index(state.catalog.categories.strings[code]) for code in categories]
        profile[place, names] = tastes
    events = world.events.filter((pl.col("kind") == "click") & (pl.col("known_at") < as_of))
    of = dict(world.articles.select("id", "category").iter_rows())
    for reader, article in events.select("reader", "article").iter_rows():
        clicks[world.readers.places[reader], _NAMES.index(of[article])] += 1
    return profile, clicks, clicks.sum(axis=1)


def recall(estimate: Floats, truth: Floats) -> Floats:
    """Share of each reader's [R] best categories that are among those estimated best."""
    best, guessed = (np.argsort(-each, axis=1, kind="stable")[:, :TOP] for each in (truth, estimate))
    return np.asarray((best[:, :, None] == guessed[:, None, :]).any(axis=2).mean(axis=1))


def _last_day(world: World, start: int, posterior: Posterior) -> dict[str, float]:
    """AUC of the slates since `start`: of the oracle, and of the posterior, also with all appeal known."""
    slates = world.slates.filter(pl.col("at") >= start)
    flat = slates.with_row_index("slate").select("slate", "id", "reader", "at", "candidates").explode("candidates")
    clicked = world.events.filter(pl.col("kind") == "click").select(
        id="request_id", candidates="article", clicked=pl.lit(1, dtype=pl.Int8)
    )
    rows = flat.join(clicked, on=["id", "candidates"], how="left", maintain_order="left")
    reader = np.asarray([world.readers.places[each] for each in rows["reader"]])
    article = np.asarray([world.newsroom.places[each] for each in rows["candidates"]])
    at = rows["at"].to_numpy()
    offsets = np.concatenate([[0], np.cumsum(slates["candidates"].list.len().to_numpy())]).astype(np.int64)
    labels = rows["clicked"].fill_null(0).to_numpy().astype(np.int8)
    scores = {
        "oracle": click_logit(world.readers, world.newsroom, reader, article, at),
        "posterior": posterior.chances(reader, article, at, appeal_known=False),
        "posterior, all appeal known": posterior.chances(reader, article, at, appeal_known=True),
    }
    return {name: metrics.mean(metrics.auc(ScoredSlates(each, labels, offsets))) for name, each in scores.items()}


def main() -> None:
    """Print the recall by number of clicks, and the AUC of the last day."""
    parser = argparse.ArgumentParser(description="planted interests that are found")
    parser.add_argument("--readers", type=int, default=800)
    parser.add_argument("--articles", type=int, default=2_200)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--trials", type=int, default=900)
    given = parser.parse_args()
    world = simulate(given.readers, given.articles, given.days)
    start = int(world.slates["at"].max()) - DAY  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        database = stored(world, f"sqlite:///{folder}/attune.db")
        with database.read() as connection, Replay(connection, start) as past:
            profile, clicks, count = found(world, past.advance(start), start)
        database.close()
    estimates = {"most clicked": clicks, "profile": profile}
    if given.trials:
        posterior = sampled(world, start, given.trials)
        estimates["posterior"] = posterior.best_categories(TOP)
    truth = planted(world)
    print(f"top-{TOP} categories found, by clicks before the last day")
    for low, high in [(20, np.inf), *zip(_EDGES, [*_EDGES[1:], np.inf], strict=True)]:
        chosen = (count >= low) & (count < high)
        told = (f"{name} {recall(each, truth)[chosen].mean():.3f}" for name, each in estimates.items())
        print(f"{low:4} to {high:4}: {chosen.sum():4} readers, {', '.join(told)}")
    if given.trials:
        print(", ".join(f"{name} {auc:.4f}" for name, auc in _last_day(world, start, posterior).items()))


if __name__ == "__main__":
    main()
