"""Simulated world: a newsroom, its readers, and the log of their interactions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from recsys.domain import SECOND, Slate
from recsys.errors import ConfigError, RequestError
from recsys.simulate.behaviour import draw_reactions
from recsys.simulate.history import play
from recsys.simulate.newsroom import Floats, Newsroom, publish
from recsys.simulate.readers import POSITION_BIAS, Readers, recruit
from recsys.simulate.simulated_log import events_frame, slates_frame
from recsys.simulate.truth import click_logit

START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class World:
    """Result of `simulate`.

    Attributes:
        articles: columns of `frames.ARTICLES`, in order of publication.
        events: columns of `frames.EVENTS`: clicks, reads, scrolls, likes, saves and hides, by `known_at`.
        slates: columns of `frames.SLATES`, in order of time.
        affinities: reader → category → share of the reader's interest; the shares of a reader sum to 1.
        readers: the readers with the hidden properties behind their clicks.
        newsroom: the articles with the hidden properties behind their clicks.
    """

    articles: pl.DataFrame
    events: pl.DataFrame
    slates: pl.DataFrame
    affinities: Mapping[str, Mapping[str, float]]
    readers: Readers
    newsroom: Newsroom


def simulate(
    readers: int = 200,
    articles: int = 1500,
    days: int = 7,
    seed: int = 7,
    start: datetime = START,
    position_bias: float = POSITION_BIAS,
) -> World:
    """Simulate a newsroom of `articles` and its `readers` for `days` days from `start`.

    A share of the articles appears in the day before `start`. The same arguments always give the same world.
    position_bias: exponent of `truth.examination`; 0 for readers who look at every position.

    Raises:
        ConfigError: a number is below one, or `start` has no time zone.
    """
    if min(readers, articles, days) < 1:
        raise ConfigError("a simulation needs at least one reader, one article and one day")
    if start.tzinfo is None:
        raise ConfigError("the start of a simulation needs a time zone")
    begin = round(start.timestamp()) * SECOND
    # separate random streams, so that more readers do not change the articles
    for_newsroom, for_readers, for_history, for_reactions = np.random.default_rng(seed).spawn(4)
    newsroom = publish(articles, days, begin, for_newsroom)
    population = replace(recruit(readers, for_readers), position_bias=position_bias)
    history = play(population, newsroom, days, begin, for_history)
    reactions = draw_reactions(history.clicks, population, newsroom, for_reactions)
    return World(
        articles=newsroom.frame,
        events=events_frame(history, population, newsroom, reactions),
        slates=slates_frame(history, population, newsroom),
        affinities=population.category_affinities(),
        readers=population,
        newsroom=newsroom,
    )


def oracle_scores(world: World, slate: Slate) -> Floats:
    """Return the true log-odds of a click on each candidate, if seen, for the reader at that time, float64 [n].

    No ranker can order a slate better on average without knowing which positions are seen.

    Raises:
        RequestError: the reader or a candidate is not part of this world.
    """
    try:
        reader = world.readers.places[slate.reader]
        articles = [world.newsroom.places[candidate] for candidate in slate.candidates]
    except KeyError as error:
        raise RequestError(f"slate {slate.id}: {error} is not part of this world") from error
    return click_logit(world.readers, world.newsroom, np.array(reader), np.array(articles), np.array(slate.at))
