"""Article lists that are not personalized: trending, latest, and similar to an article. A story stands once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.feed import retrieval
from recsys.feed.engine import FeedEngine
from recsys.feed.knn import nearest


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Query for at most `limit` articles available before `as_of` (microseconds), of one `category` if given."""

    as_of: int
    limit: int
    category: str | None = None


def trending(engine: FeedEngine, query: ListQuery) -> list[str]:
    """Return ids of the articles with most recent clicks, most first; the order of ties is arbitrary but fixed."""
    return _ids(engine, retrieval.trending(engine.state, _rows(engine, query), query.limit))


def latest(engine: FeedEngine, query: ListQuery) -> list[str]:
    """Return ids of the newest articles, newest first."""
    return _ids(engine, retrieval.fresh(engine.state, _rows(engine, query), query.limit))


def similar(engine: FeedEngine, article: str, query: ListQuery) -> list[str]:
    """Return ids of the articles nearest to `article`, nearest first; none if it has no vector (yet)."""
    row = engine.state.rows_of([article])
    if not engine.vectors.has(row)[0]:
        return []
    allowed = _available(engine, query)
    allowed[engine.state.catalog.stories().with_copies(row)] = False
    allowed = retrieval.one_per_story(engine.state, allowed)
    queries = engine.vectors.take(row)
    return _ids(engine, nearest(engine.state, engine.index, queries, allowed, query.limit))


def _available(engine: FeedEngine, query: ListQuery) -> NDArray[np.bool_]:
    allowed = retrieval.available(engine.state, query.as_of, query.category, engine.limits.max_age_days)
    allowed[engine.rules.in_force(query.as_of, query.category).banned()] = False
    return allowed


def _rows(engine: FeedEngine, query: ListQuery) -> NDArray[np.int64]:
    return np.flatnonzero(retrieval.one_per_story(engine.state, _available(engine, query)))


def _ids(engine: FeedEngine, rows: NDArray[np.int64]) -> list[str]:
    return [engine.state.articles.strings[row] for row in rows]
