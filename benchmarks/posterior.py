"""The learner with the best chances: the posterior of a simulated world, by Hamiltonian Monte Carlo.

It knows every number of `recsys.simulate`, which articles are clickbait and which tell a breaking story, but no
reader's taste, not who clicks noisily, and no article's own appeal. It learns from clicks, passes, bounces and how
far readings went. Tastes are softmaxes of logarithms of gamma variables, which makes them Dirichlet: one for the
categories and one for the subcategories of each. Neal, MCMC using Hamiltonian dynamics (2011).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR, MINUTE
from recsys.simulate import truth
from recsys.simulate.language import TOPICS
from recsys.simulate.newsroom import STORY_APPEAL
from recsys.simulate.readers import CATEGORY_FOCUS, CURIOSITY, NOISY_SHARE, SUBCATEGORY_FOCUS
from recsys.simulate.vocabulary import CATEGORIES
from recsys.simulate.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEPS = 8
_KEPT_EVERY = 10
_WARM = 0.25
"""Share of the trials that only find the way."""

_GRID = np.linspace(-3.2, 4.4, 39)
"""Values that the appeal of an article is tried at."""

_CATEGORY_OF = torch.tensor([[c.name for c in CATEGORIES].index(category.name) for category, _ in TOPICS])


@dataclass(frozen=True, eq=False)
class Seen:
    """What readers were shown, in order of time, all [N]: who, what, where on the page, when; what came of it."""

    reader: Ints
    article: Ints
    position: Ints
    at: Ints
    clicked: NDArray[np.bool_]
    bounced: NDArray[np.bool_]
    share: Floats

    def before(self, time: int) -> "Seen":
        """Only what was shown before `time`."""
        kept = self.at < time
        return Seen(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


def seen(world: World) -> Seen:
    """Everything that happened in `world`."""
    flat = world.slates.sort("at", "id").select("id", "reader", "at", "candidates")
    places = pl.int_ranges(0, pl.col("candidates").list.len())
    rows = flat.with_columns(place=places).explode("candidates", "place").rename({"candidates": "article"})
    for kind in ("click", "read", "scroll"):
        told = world.events.filter(pl.col("kind") == kind).select(
            pl.col("request_id").alias("id"), "article", pl.col("value").fill_null(1.0).alias(kind)
        )
        rows = rows.join(told, on=["id", "article"], how="left", maintain_order="left")
    seconds, scroll = (rows[name].fill_null(0.0).to_numpy() for name in ("read", "scroll"))
    return Seen(
        np.asarray([world.readers.places[each] for each in rows["reader"]]),
        np.asarray([world.newsroom.places[each] for each in rows["article"]]),
        rows["place"].to_numpy().astype(np.int64),
        rows["at"].to_numpy(),
        rows["click"].is_not_null().to_numpy(),
        (seconds <= 9) & (scroll <= 11.5),
        np.clip(scroll / 102.5, 0.01, 0.99),
    )


class Posterior:
    """Samples of tastes and noisy readers, and what they say of categories and clicks."""

    def __init__(self, world: World, log: Seen) -> None:
        self.world, self._log = world, log
        self.readers = len(world.readers.ids)
        self.tastes: list[Floats] = []
        self.noisy: list[Floats] = []
        self.shares: list[Floats] = []

    def keep(self, taste: torch.Tensor, noisy: torch.Tensor, shares: torch.Tensor) -> None:
        """Add a sample: log-ratios of taste [R, topics], who is noisy [R], category shares [R, categories]."""
        for samples, each in ((self.tastes, taste), (self.noisy, noisy), (self.shares, shares)):
            samples.append(each.numpy().astype(np.float64))

    def best_categories(self, count: int) -> Floats:
        """Chance of each category to be among the reader's `count` best [R, categories]."""
        ranks = [np.argsort(np.argsort(-shares, axis=1), axis=1) < count for shares in self.shares]
        return np.asarray(np.mean(ranks, axis=0))

    def chances(self, reader: Ints, article: Ints, at: Ints, appeal_known: bool) -> Floats:
        """Chance of a click [n], if seen: appeal from all that was known a minute before `at` [n], or as it is."""
        newsroom, topic = self.world.newsroom, self.world.newsroom.topic[article]
        fading = _fading(self.world, article, at)
        values = newsroom.appeal[article][:, None] if appeal_known else _GRID[None]
        weights = np.ones((1, 1)) if appeal_known else self._appeal(article, at)
        total = np.zeros(len(reader))
        for taste, noisy in zip(self.tastes, self.noisy, strict=True):
            drawn = fading + _pull(taste[reader, topic], noisy[reader], newsroom.clickbait[article])
            total += (weights * truth.chance(drawn[:, None] + truth.APPEAL_WEIGHT * values)).sum(axis=1)
        return total / len(self.tastes)

    def _appeal(self, article: Ints, at: Ints) -> Floats:
        """Posterior over the grid [n, grid], tastes taken at their means."""
        log, newsroom = self._log, self.world.newsroom
        pulls = np.zeros(len(log.at))
        for taste, noisy in zip(self.tastes, self.noisy, strict=True):
            of = taste[log.reader, newsroom.topic[log.article]]
            pulls += _pull(of, noisy[log.reader], newsroom.clickbait[log.article]) / len(self.tastes)
        logit = (pulls + _fading(self.world, log.article, log.at))[:, None] + truth.APPEAL_WEIGHT * _GRID
        chance = np.clip(truth.examination(log.position)[:, None] * truth.chance(logit), 1e-9, 1 - 1e-9)
        told = np.where(log.clicked[:, None], np.log(chance), np.log1p(-chance))
        order = np.lexsort((log.at, log.article))
        summed = np.concatenate((np.zeros((1, len(_GRID))), np.cumsum(told[order], axis=0)))
        first = np.searchsorted(log.article[order], article)
        start, span = int(log.at.min()), int(np.ptp(log.at)) + DAY
        key = log.article[order] + (log.at[order] - start) / span
        asked = article + np.clip((at - MINUTE - start) / span, 0, 1 - 1e-9)
        last = np.maximum(np.searchsorted(key, asked), first)
        prior = -0.5 * (_GRID[None] - _usual_appeal(self.world)[article][:, None]) ** 2
        weights = summed[last] - summed[first] + prior
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def sampled(world: World, until: int, trials: int, seed: int = 0) -> Posterior:
    """The posterior of what happened before `until` (microseconds), from `trials` trajectories."""
    torch.manual_seed(seed)
    everything = seen(world)
    model, posterior = _Model(world, everything.before(until)), Posterior(world, everything)
    state, noisy, step = model.start(), torch.zeros(model.readers), 0.02
    rng = np.random.default_rng(seed)
    for trial in range(trials):
        state, accepted = model.trajectory(state, noisy, step * float(rng.uniform(0.7, 1.3)))
        if trial < _WARM * trials:
            step *= float(np.exp(0.1 * (accepted - 0.75)))
        if trial % 4 == 0:
            noisy = model.draw_noisy(state)
        if trial >= _WARM * trials and trial % _KEPT_EVERY == 0:
            posterior.keep(model.log_ratio(state), noisy, torch.softmax(model.parts(state)[0], dim=1))
    return posterior


class _Model:
    """Log-density of tastes and appeal, with whether each reader is noisy given."""

    def __init__(self, world: World, log: Seen) -> None:
        newsroom = world.newsroom
        self.readers, self._articles = len(world.readers.ids), len(newsroom.ids)
        self._reader, self._article = torch.tensor(log.reader), torch.tensor(log.article)
        self._topic = torch.tensor(newsroom.topic[log.article])
        self._bait = torch.tensor(newsroom.clickbait[log.article], dtype=torch.float32)
        self._fading = torch.tensor(_fading(world, log.article, log.at), dtype=torch.float32)
        self._look = torch.tensor(truth.examination(log.position), dtype=torch.float32)
        self._clicked = torch.tensor(log.clicked, dtype=torch.float32)
        self._opened = torch.tensor(np.flatnonzero(log.clicked))
        self._bounced = torch.tensor(log.bounced[log.clicked], dtype=torch.float32)
        self._share = torch.tensor(log.share[log.clicked], dtype=torch.float32)
        self._usual = torch.tensor(_usual_appeal(world), dtype=torch.float32)
        self._sizes = [self.readers * len(CATEGORIES), self.readers * len(TOPICS), self._articles]

    def start(self) -> torch.Tensor:
        """Even tastes, usual appeal."""
        categories, topics, _ = self._sizes
        return torch.cat([torch.full((categories,), -1.0), torch.full((topics,), -0.5), self._usual])

    def parts(self, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logarithms of gamma variables [R, categories] and [R, topics], and appeal [A]."""
        categories, topics, appeal = torch.split(state, self._sizes)
        return categories.view(self.readers, -1), topics.view(self.readers, -1), appeal

    def log_ratio(self, state: torch.Tensor) -> torch.Tensor:
        """Taste for each topic over an even taste, its logarithm [R, topics]."""
        categories, topics, _ = self.parts(state)
        weights = torch.exp(topics - topics.amax(dim=1, keepdim=True))
        totals = torch.zeros_like(categories).index_add_(1, _CATEGORY_OF, weights).clamp_min(1e-30)
        share = torch.softmax(categories, dim=1)[:, _CATEGORY_OF] * weights / totals[:, _CATEGORY_OF]
        return torch.log(((1 - CURIOSITY) * share + CURIOSITY / len(TOPICS)) * len(TOPICS))

    def trajectory(self, state: torch.Tensor, noisy: torch.Tensor, step: float) -> tuple[torch.Tensor, float]:
        """One leapfrog trajectory: the next state, and with what chance it was accepted."""
        momentum, place = torch.randn_like(state), state
        density, slope = self._slope(place, noisy)
        before = density - 0.5 * float(momentum.square().sum())
        for _ in range(_STEPS):
            momentum = momentum + 0.5 * step * slope
            place = place + step * momentum
            density, slope = self._slope(place, noisy)
            momentum = momentum + 0.5 * step * slope
        after = density - 0.5 * float(momentum.square().sum())
        chance = float(np.exp(min(0.0, after - before))) if np.isfinite(after) else 0.0
        return (place if float(torch.rand(())) < chance else state), chance

    def draw_noisy(self, state: torch.Tensor) -> torch.Tensor:
        """Who clicks noisily [R], drawn from what each did."""
        with torch.no_grad():
            each = [self._told(state, torch.full((self.readers,), kind)) for kind in (0.0, 1.0)]
            plain, noisy = (torch.zeros(self.readers).index_add_(0, self._reader, told) for told in each)
        odds = noisy - plain + float(np.log(NOISY_SHARE / (1 - NOISY_SHARE)))
        return (torch.rand(self.readers) < torch.sigmoid(odds)).float()

    def _slope(self, state: torch.Tensor, noisy: torch.Tensor) -> tuple[float, torch.Tensor]:
        state = state.detach().requires_grad_()
        categories, topics, appeal = self.parts(state)
        density = self._told(state, noisy).sum() - 0.5 * (appeal - self._usual).square().sum()
        density = density + (CATEGORY_FOCUS * categories - categories.exp()).sum()
        density = density + (SUBCATEGORY_FOCUS * topics - topics.exp()).sum()
        (slope,) = torch.autograd.grad(density, state)
        return float(density.detach()), slope

    def _told(self, state: torch.Tensor, noisy: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of what came of each exposure [N]."""
        liking = self.log_ratio(state)[self._reader, self._topic]
        noise = noisy[self._reader]
        weight = torch.where(noise > 0, truth.NOISY_INTEREST, 1.0)
        bait = self._bait * torch.where(noise > 0, truth.NOISY_CLICKBAIT, truth.PLAIN_CLICKBAIT)
        logit = self._fading + liking * weight + bait + truth.APPEAL_WEIGHT * self.parts(state)[2][self._article]
        chance = (self._look * torch.sigmoid(logit)).clamp(1e-7, 1 - 1e-7)
        told = self._clicked * torch.log(chance) + (1 - self._clicked) * torch.log1p(-chance)
        return told.index_add(0, self._opened, self._reading(liking, noise))

    def _reading(self, liking: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of each reading, as `simulate.behaviour` draws it, but for a constant."""
        match = torch.sigmoid(0.9 * liking[self._opened])
        leaving = 0.75 - 0.7 * match + 0.35 * self._bait[self._opened] + 0.4 * noise[self._opened]
        leaving = leaving.clamp(0.03, 0.95)
        alpha = 1 + 4 * match
        share = torch.lgamma(alpha + 1.6) - torch.lgamma(alpha) + (alpha - 1) * torch.log(self._share)
        stayed = torch.log1p(-leaving) + share
        return self._bounced * torch.log(leaving) + (1 - self._bounced) * stayed


def _fading(world: World, article: Ints, at: Ints) -> Floats:
    newsroom = world.newsroom
    age = (at - newsroom.published_at[article]) / HOUR / newsroom.half_life[article]
    return np.asarray(truth.BASE - truth.FRESHNESS_WEIGHT * np.clip(age, 0, truth.STALEST))


def _pull(liking: Floats, noisy: Floats, bait: NDArray[np.bool_]) -> Floats:
    """What taste and clickbait add to the log-odds of a click, all [n]."""
    plain = liking + truth.PLAIN_CLICKBAIT * bait
    loud = truth.NOISY_INTEREST * liking + truth.NOISY_CLICKBAIT * bait
    return np.where(noisy > 0, loud, plain)


def _usual_appeal(world: World) -> Floats:
    """Mean appeal of articles like each [A]: more for breaking stories, known by others of the same scene."""
    scene = pl.struct("entities", "subcategory")
    story = world.articles.select(scene.is_duplicated().alias("story"))["story"].to_numpy()
    return np.asarray(STORY_APPEAL * story)
