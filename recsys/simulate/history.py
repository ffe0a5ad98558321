"""Simulated history, day by day: slates, clicks, and the popularity that follows from them."""

from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np

from recsys.simulate.behaviour import Clicks, draw_clicks
from recsys.simulate.newsroom import Bools, Floats, Ints, Newsroom
from recsys.simulate.policy import (
    LARGEST,
    POPULARITY_HALF_LIFE,
    Shown,
    draw_slates,
    mixture,
    on_offer,
)
from recsys.simulate.readers import Readers
from recsys.simulate.visits import BLOCK, draw_visits


@dataclass(frozen=True, eq=False)
class History:
    """All slates [m] in order of time, and their clicks.

    Attributes:
        reader: int64 [m], indices of the readers.
        at: int64 [m], microseconds.
        visit: int64 [m].
        shown: the slates, [m, 20].
        clicks: their clicks; `slate` is an index of the arrays above.
    """

    reader: Ints
    at: Ints
    visit: Ints
    shown: Shown
    clicks: Clicks


def play(readers: Readers, newsroom: Newsroom, days: int, start: int, rng: np.random.Generator) -> History:
    """Simulate `days` days from `start` (microseconds) in blocks of five minutes.

    All slates of a block depend only on articles and clicks from before the block, so no slate knows its own
    future.
    """
    reader, at, visit = draw_visits(readers, days, start, rng)
    edges = np.append(np.flatnonzero(np.diff((at - start) // BLOCK, prepend=-1)), len(at))
    popularity = _Popularity(len(newsroom.ids), start)
    read = np.zeros((len(readers.ids), len(newsroom.ids)), dtype=np.bool_)
    shown, clicks = [_nothing_shown()], [_no_clicks()]
    for first, last in pairwise(edges.tolist()):
        begin = int(start + (at[first] - start) // BLOCK * BLOCK)
        rows = slice(first, last)
        page = _show(newsroom, popularity.at(begin), read, reader[rows], begin, rng)
        block_clicks = draw_clicks(readers, newsroom, reader[rows], at[rows], page.article, rng)
        read[block_clicks.reader, block_clicks.article] = True
        popularity.see(block_clicks)
        shown.append(page)
        clicks.append(replace(block_clicks, slate=block_clicks.slate + first))
    return _without_empty(reader, at, visit, _join_shown(shown), _join_clicks(clicks))


class _Popularity:
    """Decayed clicks per article, at the newest requested time."""

    def __init__(self, articles: int, start: int) -> None:
        self._counts: Floats = np.zeros(articles)
        self._now = start
        self._at: Ints = np.zeros(0, dtype=np.int64)
        self._article: Ints = np.zeros(0, dtype=np.int64)

    def see(self, clicks: Clicks) -> None:
        """Add clicks; each counts from its own time on."""
        self._at = np.append(self._at, clicks.at)
        self._article = np.append(self._article, clicks.article)

    def at(self, now: int) -> Floats:
        """Return counts from clicks before `now`, float64 [A]. `now` must not decrease between calls."""
        due = self._at < now
        self._counts *= _decay(now - self._now)
        np.add.at(self._counts, self._article[due], _decay(now - self._at[due]))
        self._at, self._article, self._now = self._at[~due], self._article[~due], now
        return self._counts


def _decay(age: int | Ints) -> Floats:
    return np.asarray(0.5 ** (np.asarray(age) / POPULARITY_HALF_LIFE), dtype=np.float64)


def _show(
    newsroom: Newsroom,
    popularity: Floats,
    read: Bools,
    reader: Ints,
    at: int,
    rng: np.random.Generator,
) -> Shown:
    """Draw slates for the readers of one block, padded to the largest size."""
    pool = on_offer(newsroom.published_at, at)
    if pool.stop == pool.start:
        return _nothing_shown(len(reader))
    weights = mixture(newsroom.published_at[pool], popularity[pool], at)
    page = draw_slates(weights, read[reader, pool], rng)
    short = LARGEST - page.article.shape[1]
    article = np.where(page.article >= 0, page.article + pool.start, -1)
    return Shown(
        np.pad(article, ((0, 0), (0, short)), constant_values=-1),
        np.pad(page.score, ((0, 0), (0, short))),
        np.pad(page.propensity, ((0, 0), (0, short))),
    )


def _nothing_shown(rows: int = 0) -> Shown:
    return Shown(
        np.full((rows, LARGEST), -1, dtype=np.int64), np.zeros((rows, LARGEST)), np.zeros((rows, LARGEST))
    )


def _no_clicks() -> Clicks:
    ints, floats = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Clicks(ints, ints, ints, ints, ints, floats, floats, np.zeros(0, dtype=np.bool_))


def _join_shown(parts: list[Shown]) -> Shown:
    return Shown(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Shown)))


def _join_clicks(parts: list[Clicks]) -> Clicks:
    return Clicks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Clicks)))


def _without_empty(reader: Ints, at: Ints, visit: Ints, shown: Shown, clicks: Clicks) -> History:
    """Drop slates without articles."""
    not_empty = shown.article[:, 0] >= 0
    number = np.cumsum(not_empty) - 1
    pages = Shown(shown.article[not_empty], shown.score[not_empty], shown.propensity[not_empty])
    return History(
        reader[not_empty], at[not_empty], visit[not_empty], pages, replace(clicks, slate=number[clicks.slate])
    )
