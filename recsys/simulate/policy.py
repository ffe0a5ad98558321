"""Logging policy: the slates of the simulated newsroom before Attune."""

from dataclasses import dataclass

import numpy as np

from recsys.domain import HOUR
from recsys.simulate.newsroom import Bools, Floats, Ints

FRESH, POPULAR, RANDOM = 0.35, 0.4, 0.25  # shares of the mixture
FRESH_SCALE = 3 * HOUR
POPULARITY_HALF_LIFE = 4 * HOUR
PRIOR_CLICKS = 0.1
ON_OFFER = 36 * HOUR  # older articles are not shown
LEAST_ON_OFFER = 60  # unless there are fewer newer ones
SMALLEST, LARGEST = 8, 20  # candidates in a slate


@dataclass(frozen=True, eq=False)
class Shown:
    """Slates [m] of up to 20 articles in display order, all int64 or float64 [m, 20].

    Attributes:
        article: indices of the newsroom, −1 beyond the end of a slate.
        score: weight of the article in the mixture.
        propensity: chance of the article at its position, given the articles above it.
    """

    article: Ints
    score: Floats
    propensity: Floats


def on_offer(published_at: Ints, at: int) -> slice:
    """Return the articles that a page at `at` may show: the recent ones published before it."""
    end = int(np.searchsorted(published_at, at, side="left"))
    recent = int(np.searchsorted(published_at, at - ON_OFFER, side="left"))
    return slice(max(0, min(recent, end - LEAST_ON_OFFER)), end)


def mixture(published_at: Ints, popularity: Floats, at: int) -> Floats:
    """Return the chance of each article on offer to be drawn first, float64 [n].

    Fresh, popular and random, mixed.
    """
    fresh = np.exp(-(at - published_at) / FRESH_SCALE)
    popular = popularity + PRIOR_CLICKS
    weights = FRESH * fresh / max(fresh.sum(), 1e-300) + POPULAR * popular / popular.sum() + RANDOM / len(fresh)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def draw_slates(weights: Floats, read: Bools, rng: np.random.Generator) -> Shown:
    """Draw one slate for each row of `read`, without replacement, best position first.

    An exponential race (arrival times Exp(1) / weight) is equivalent to repeated draws in proportion to weight,
    the Plackett-Luce model. So the propensity of each position is known exactly.

    Args:
        weights: float64 [n], of the articles on offer.
        read: bool [m, n], articles that the reader clicked before and does not see again.
        rng: random generator.

    Returns:
        Slates whose articles are indices of `weights`.
    """
    available = weights * ~read
    width = min(LARGEST, len(weights))
    arrival = rng.standard_exponential(read.shape, dtype=np.float32) / np.maximum(available, 1e-30)
    front = np.argpartition(arrival, width - 1, axis=1)[:, :width]
    order = np.argsort(np.take_along_axis(arrival, front, axis=1), axis=1)
    article = np.take_along_axis(front, order, axis=1)
    score = np.take_along_axis(available, article, axis=1)
    before = np.cumsum(score, axis=1) - score
    propensity = score / np.maximum(available.sum(axis=1, keepdims=True) - before, 1e-300)
    size = rng.integers(SMALLEST, LARGEST + 1, size=len(read))
    shown = (np.arange(width) < size[:, None]) & (score > 0)
    return Shown(np.where(shown, article, -1), score, np.minimum(propensity, 1.0))
