"""The posterior of simulated readers' tastes: a bound for rankers must itself be right."""

import numpy as np
import pytest

from benchmarks.taste_posterior import Exposures, TastePosterior, exposures_of, fading, taste_posterior
from recsys.simulate.newsroom import Floats
from recsys.simulate.truth import chance, click_logit
from recsys.simulate.world import World, simulate

PICKS = 10


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(readers=60, articles=400, days=4)


@pytest.fixture(scope="module")
def now(world: World) -> int:
    return int(world.slates["at"].max()) + 1  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exposures(world: World, now: int) -> Exposures:
    return exposures_of(world, now)


@pytest.fixture(scope="module")
def known(world: World, exposures: Exposures) -> TastePosterior:
    return taste_posterior(world, exposures, know_appeal=True, draws=4_000)


def truth(world: World, now: int) -> Floats:
    readers, articles = np.arange(len(world.readers.ids))[:, None], np.arange(len(world.newsroom.ids))[None]
    return chance(click_logit(world.readers, world.newsroom, readers, articles, np.asarray(now)))


def picked(world: World, now: int, tastes: TastePosterior) -> float:
    """The mean true chance of a click of the best ten articles by `tastes`."""
    articles, true = np.arange(len(world.newsroom.ids)), truth(world, now)
    best = [np.argsort(-tastes.chances(reader, articles, now))[:PICKS] for reader in range(len(world.readers.ids))]
    return float(np.take_along_axis(true, np.stack(best), axis=1).mean())


def test_every_candidate_is_an_exposure_and_every_known_click_is_one_of_them(
    world: World, now: int, exposures: Exposures
) -> None:
    events = world.events
    assert len(exposures.reader) == world.slates["candidates"].list.len().sum()
    assert exposures.clicked.sum() == ((events["kind"] == "click") & (events["known_at"] < now)).sum()
    assert exposures.position.min() == 0
    assert exposures.position.max() < 20
    assert (exposures.fading >= 0).all()


def test_weights_are_probabilities(world: World, known: TastePosterior) -> None:
    np.testing.assert_allclose(
        known.weights.sum(axis=(1, 3)), 1.0, atol=1e-3
    )  # draws of almost no weight are left out
    assert (known.effective >= 1 - 1e-9).all()


def test_knowing_more_picks_better(world: World, now: int, exposures: Exposures, known: TastePosterior) -> None:
    learned = taste_posterior(world, exposures, know_appeal=False, draws=4_000)
    best = np.sort(truth(world, now), axis=1)[:, -PICKS:].mean()
    appeal = known.appeal[:, 0] - fading(world.newsroom, np.arange(len(world.newsroom.ids)), now)
    without_tastes = truth(world, now)[:, np.argsort(-appeal)[:PICKS]].mean()
    assert best > picked(world, now, known) > picked(world, now, learned)
    assert picked(world, now, known) > 1.2 * without_tastes
