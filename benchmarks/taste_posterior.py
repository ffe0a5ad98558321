"""Posterior of simulated readers' tastes, given the log and the numbers of the simulation: a bound for any ranker.

Importance sampling with the prior of `simulate.readers` as proposal. The likelihood of a reader's clicks is a
product over topics, so it is tabulated by topic and affinity, and each drawn reader needs one look-up per topic.
The posterior knows the numbers of the click model (fading, examination, weights). The articles' appeal is either
known, or learned from the log in turn with the tastes (coordinate ascent, posterior means).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.simulate.language import TOPICS
from recsys.simulate.newsroom import Newsroom
from recsys.simulate.readers import CURIOSITY, NOISY_SHARE, recruit
from recsys.simulate.truth import (
    APPEAL_WEIGHT,
    BASE,
    FRESHNESS_WEIGHT,
    NOISY_CLICKBAIT,
    NOISY_INTEREST,
    PLAIN_CLICKBAIT,
    STALEST,
    chance,
    examination,
)
from recsys.simulate.world import World

DRAWS = 50_000
"""Drawn readers; of 20,000, the median reader's posterior is made of 6."""

_GRID = 60
_ROUNDS = 6
_APPEALS = np.linspace(-4.0, 4.0, 65)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Exposures:
    """Exposures of a log [n]. reader, article: places in the world; position: from 0; fading: log-odds."""

    reader: Ints
    article: Ints
    position: Ints
    fading: Floats
    clicked: NDArray[np.bool_]


def exposures_of(world: World, as_of: int) -> Exposures:
    """Return the exposures of all slates shown before `as_of` (microseconds)."""
    slates = world.slates.filter(world.slates["at"] < as_of).select("id", "reader", "at", "candidates")
    sizes = slates["candidates"].list.len().to_numpy().astype(np.int64)
    slate = np.repeat(np.arange(len(sizes)), sizes)
    position = np.arange(len(slate)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    ids = slates["candidates"].explode()
    article = np.asarray([world.newsroom.places[id_] for id_ in ids.to_list()])
    reader = np.asarray([world.readers.places[id_] for id_ in slates["reader"].to_list()])[slate]
    at = slates["at"].to_numpy()[slate]
    clicks = world.events.filter((world.events["kind"] == "click") & (world.events["known_at"] < as_of))
    opened = set(clicks.select("request_id", "article").iter_rows())
    request = np.asarray(slates["id"].to_list(), dtype=object)[slate]
    clicked = np.fromiter(
        (pair in opened for pair in zip(request, ids.to_list(), strict=True)), np.bool_, len(slate)
    )
    return Exposures(reader, article, position, fading(world.newsroom, article, at), clicked)


def fading(newsroom: Newsroom, article: Ints, at: Ints | int) -> Floats:
    """Return the log-odds that the articles [n] have lost by their age at `at`."""
    age = (at - newsroom.published_at[article]) / HOUR / newsroom.half_life[article]
    return np.asarray(FRESHNESS_WEIGHT * np.clip(age, 0, STALEST), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TastePosterior:
    """Posterior weights of taste by reader, noise, topic and grid point [R, 2, T, G]; grid: log-ratios.

    effective: effective number of draws by reader [R]. appeal: posterior mean of appeal with clickbait, in
    log-odds for plain and for noisy readers [A, 2].
    """

    weights: NDArray[np.float32]
    grid: Floats
    effective: Floats
    appeal: Floats
    newsroom: Newsroom

    def chances(self, reader: int, articles: Ints, at: int) -> Floats:
        """Return the posterior mean chance of a click of `reader` on `articles` [n] at `at`, on top of a page."""
        topic, faded = self.newsroom.topic[articles], fading(self.newsroom, articles, at)
        out = np.zeros(len(articles))
        for noisy, factor in enumerate((1.0, NOISY_INTEREST)):
            logit = BASE + self.appeal[articles, noisy][:, None] + factor * self.grid - faded[:, None]
            out += (self.weights[reader, noisy][topic] * chance(logit)).sum(axis=1)
        return out


def taste_posterior(world: World, exposures: Exposures, know_appeal: bool, draws: int = DRAWS) -> TastePosterior:
    """Return the posterior of all readers' tastes. know_appeal: the articles' appeal and clickbait are known."""
    newsroom = world.newsroom
    drawn = recruit(draws, np.random.default_rng(0))
    log_ratios = np.log(drawn.affinity * len(TOPICS))
    grid = np.linspace(np.log(CURIOSITY), log_ratios.max(), _GRID)
    cells = np.clip(np.rint((log_ratios - grid[0]) / (grid[1] - grid[0])), 0, _GRID - 1).astype(np.int64)
    bait = newsroom.clickbait[:, None] * np.asarray([PLAIN_CLICKBAIT, NOISY_CLICKBAIT])
    known = APPEAL_WEIGHT * newsroom.appeal[:, None] + bait
    appeal = known if know_appeal else bait
    weights, effective = _tastes(world, exposures, appeal, grid, cells)
    if not know_appeal:
        for _ in range(_ROUNDS):
            appeal = bait + APPEAL_WEIGHT * _appeals(exposures, newsroom, bait, weights, grid)[:, None]
            weights, effective = _tastes(world, exposures, appeal, grid, cells)
    return TastePosterior(weights, grid, effective, appeal, newsroom)


def _tastes(
    world: World, exposures: Exposures, appeal: Floats, grid: Floats, cells: Ints
) -> tuple[NDArray[np.float32], Floats]:
    """Return the weights [R, 2, T, G] and the effective numbers of draws [R]."""
    readers, topics = len(world.readers.ids), len(TOPICS)
    look = examination(exposures.position)
    topic = world.newsroom.topic[exposures.article]
    flat_likelihood = np.zeros((2, readers * topics, len(grid)))
    for noisy, factor in enumerate((1.0, NOISY_INTEREST)):
        for point, ratio in enumerate(grid):
            p = look * chance(BASE + appeal[exposures.article, noisy] + factor * ratio - exposures.fading)
            terms = np.log(np.where(exposures.clicked, p, 1 - p))
            flat_likelihood[noisy, :, point] = np.bincount(
                exposures.reader * topics + topic, terms, minlength=readers * topics
            )
    likelihood = flat_likelihood.reshape(2, readers, topics, len(grid))
    weights = np.zeros((readers, 2, topics, len(grid)), dtype=np.float32)
    effective = np.zeros(readers)
    prior = np.log([1 - NOISY_SHARE, NOISY_SHARE])
    places = np.arange(topics) * len(grid) + cells  # [draws, T]
    for reader in range(readers):
        log_2d = np.stack([prior[n] + likelihood[n, reader].reshape(-1)[places].sum(axis=1) for n in (0, 1)])
        w = np.exp(log_2d - log_2d.max())
        w /= w.sum()
        effective[reader] = 1 / (w**2).sum()
        for noisy in (0, 1):
            heavy = np.flatnonzero(w[noisy] > 1e-7)
            flat = np.bincount(
                places[heavy].reshape(-1), np.repeat(w[noisy, heavy], topics), minlength=topics * len(grid)
            )
            weights[reader, noisy] = flat.reshape(topics, len(grid))
    return weights, effective


def _appeals(
    exposures: Exposures, newsroom: Newsroom, bait: Floats, weights: NDArray[np.float32], grid: Floats
) -> Floats:
    """Return posterior means of appeal [A] under a standard normal prior, given the tastes' posterior means."""
    share = weights.sum(axis=3)
    mean_interest = (weights * grid).sum(axis=3) / np.maximum(share, 1e-12)
    topic = newsroom.topic[exposures.article]
    noisy_share = share[exposures.reader, 1, topic]
    base = [
        BASE + factor * mean_interest[exposures.reader, n, topic] + bait[exposures.article, n] - exposures.fading
        for n, factor in enumerate((1.0, NOISY_INTEREST))
    ]
    look = examination(exposures.position)
    log_likelihood = np.zeros((len(newsroom.ids), len(_APPEALS)))
    for point, value in enumerate(_APPEALS):
        p = (1 - noisy_share) * chance(base[0] + APPEAL_WEIGHT * value)
        p = look * (p + noisy_share * chance(base[1] + APPEAL_WEIGHT * value))
        terms = np.log(np.where(exposures.clicked, p, 1 - p))
        log_likelihood[:, point] = np.bincount(exposures.article, terms, minlength=len(newsroom.ids))
    log_posterior = log_likelihood - _APPEALS**2 / 2
    w = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    return np.asarray((w @ _APPEALS) / w.sum(axis=1))
