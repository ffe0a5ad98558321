"""Simulated behaviour of readers on a slate: click, read or bounce, and sometimes react."""

from dataclasses import dataclass

import numpy as np

from recsys.domain import SECOND
from recsys.simulate.newsroom import Bools, Floats, Ints, Newsroom
from recsys.simulate.readers import Readers
from recsys.simulate.truth import chance, click_logit, examination, interest

LONGEST_READ = 900.0  # seconds
LOOK = 2.0  # seconds before the first click
LOOK_PER_POSITION = 1.2  # additional seconds for each position
REACTION_PAUSE = 2 * SECOND


@dataclass(frozen=True, eq=False)
class Clicks:
    """Clicks [c], by slate and then by position.

    Attributes:
        slate: number of the slate, int64.
        reader: index of the reader, int64.
        article: index of the article in the newsroom, int64.
        position: position in the slate from 0, int64.
        at: time of the click, microseconds.
        seconds: dwell, float64.
        scroll: scroll depth, percent, float64.
        bounced: bool.
    """

    slate: Ints
    reader: Ints
    article: Ints
    position: Ints
    at: Ints
    seconds: Floats
    scroll: Floats
    bounced: Bools

    @property
    def read_at(self) -> Ints:
        """Return the time at which each reading ended, microseconds."""
        return self.at + (self.seconds * SECOND).astype(np.int64)


def draw_clicks(
    readers: Readers, newsroom: Newsroom, reader: Ints, at: Ints, shown: Ints, rng: np.random.Generator
) -> Clicks:
    """Draw the clicks of each reader on a slate.

    Args:
        readers: all readers.
        newsroom: all articles.
        reader: int64 [m], indices of `readers`.
        at: int64 [m], when the slate was shown, microseconds.
        shown: int64 [m, k], indices of `newsroom` in display order, −1 beyond the end.
        rng: random generator.

    Returns:
        The clicks with their readings; `slate` counts from 0 to m − 1.
    """
    position = np.arange(shown.shape[1])
    logit = click_logit(readers, newsroom, reader[:, None], shown, at[:, None])
    clicked = (rng.random(shown.shape) < examination(position, readers.position_bias) * chance(logit)) & (
        shown >= 0
    )
    slate, position = np.nonzero(clicked)
    clicking_reader, clicked_article = reader[slate], shown[slate, position]
    seconds, scroll, bounced = _read(readers, newsroom, clicking_reader, clicked_article, rng)
    wait = LOOK + LOOK_PER_POSITION * position + _seconds_before(slate, seconds)
    clicked_at = at[slate] + (wait * SECOND).astype(np.int64)
    return Clicks(slate, clicking_reader, clicked_article, position, clicked_at, seconds, scroll, bounced)


def draw_reactions(
    clicks: Clicks, readers: Readers, newsroom: Newsroom, rng: np.random.Generator
) -> dict[str, Bools]:
    """Draw likes, saves and hides of clicks: some of the deep reads, and some of the disappointing bounces."""
    draw = rng.random((3, len(clicks.slate)))
    deep_read = (clicks.scroll > 75) & ~clicks.bounced
    affinity = interest(readers, newsroom, clicks.reader, clicks.article)
    return {
        "like": deep_read & (draw[0] < 0.08),
        "save": deep_read & (draw[1] < 0.04),
        "hide": clicks.bounced & (affinity < 0) & (draw[2] < 0.05),
    }


def expected_reading(readers: Readers, newsroom: Newsroom, reader: Ints, article: Ints) -> tuple[Floats, Floats]:
    """Return the expected outcome of a click: the finished share of the article (0 for a bounce), and minutes.

    The shape is that of the broadcast indices. These are the means of `draw_clicks`, except for rare readings that
    are cut at `LONGEST_READ` or scrolled beyond the end.
    """
    match, leaving = _match_and_leaving(readers, newsroom, reader, article)
    share = (1 + 4 * match) / (2.6 + 4 * match)
    full = newsroom.word_count[article] / readers.words_a_minute[reader] * 60
    seconds = leaving * 5.25 + (1 - leaving) * (5 + share * full)
    return np.asarray((1 - leaving) * share), np.asarray(seconds / 60)


def _match_and_leaving(readers: Readers, newsroom: Newsroom, reader: Ints, article: Ints) -> tuple[Floats, Floats]:
    """Return the topic match in 0..1, and the chance of a bounce.

    Readers who like the topic stay and read further; clickbait disappoints; noisy clickers rarely stay.
    """
    match = chance(0.9 * interest(readers, newsroom, reader, article))
    leaving = 0.75 - 0.7 * match + 0.35 * newsroom.clickbait[article] + 0.4 * readers.noisy[reader]
    return match, np.clip(leaving, 0.03, 0.95)


def _read(
    readers: Readers, newsroom: Newsroom, reader: Ints, article: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats, Bools]:
    """Return seconds, percent scrolled, and bounces, each [c]."""
    match, leaving = _match_and_leaving(readers, newsroom, reader, article)
    bounced: Bools = rng.random(len(reader)) < leaving
    share = np.where(bounced, rng.uniform(0.0, 0.1, len(reader)), rng.beta(1 + 4 * match, 1.6))
    full = newsroom.word_count[article] / readers.words_a_minute[reader] * 60
    seconds = np.where(bounced, rng.uniform(1.5, 9.0, len(reader)), 5 + share * full)
    scroll = np.clip(100 * share * rng.uniform(0.9, 1.15, len(reader)), 0, 100)
    return _round_to_tenths(np.minimum(seconds, LONGEST_READ)), _round_to_tenths(scroll), bounced


def _round_to_tenths(values: Floats) -> Floats:
    return np.asarray(np.round(values, 1), dtype=np.float64)


def _seconds_before(slate: Ints, seconds: Floats) -> Floats:
    """Return the seconds already spent on earlier clicks of the same slate; clicks are sorted by slate."""
    spent = np.cumsum(seconds) - seconds
    first = np.searchsorted(slate, slate, side="left")
    return np.asarray(spent - spent[first], dtype=np.float64)
