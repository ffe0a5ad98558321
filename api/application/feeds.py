"""Use-cases that answer with articles: feeds, rankings, and lists that are the same for every reader."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.application.context import Application
from recsys.constants import HalfLife
from recsys.cpu_threads import cpu_threads
from recsys.domain import SECOND, FeedRequest, Ranking, RankRequest
from recsys.errors import RequestError
from recsys.feed import non_personalized
from recsys.feed.engine import FeedEngine
from recsys.feed.non_personalized import ListQuery
from recsys.feed.point_in_time import engine_at
from recsys.serving.article_cache import ArticleSummary
from recsys.serving.pagination import FeedPage
from recsys.state.event_codes import CLICKS
from recsys.store import articles

Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ScoredList:
    """Article ids, best first, their scores, and the time of the answer in microseconds."""

    as_of: int
    ids: Sequence[str]
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """Columns of an article, and a tag that changes with its content."""

    columns: Mapping[str, Any]
    tag: str


def recommend(app: Application, request: FeedRequest, cursor: str | None = None) -> FeedPage:
    """Recommend a slate and log it as shown. `cursor`: continue an earlier feed of the reader.

    Raises:
        RequestError: the cursor is unknown, of another reader, or has expired.
        StoreError: the database fails, or is unavailable and there is a cursor.
    """
    return app.feed.feed(request, cursor)


def recommend_or_preview(
    app: Application, request: FeedRequest, cursor: str | None = None, *, only_preview: bool
) -> FeedPage:
    """Recommend a slate: log it as shown, or as a preview only return it, without a next page.

    Raises:
        RequestError: see `recommend`; a preview was requested with a cursor.
        StoreError: see `recommend`.
    """
    if not only_preview:
        return recommend(app, request, cursor)
    if cursor is not None:
        raise RequestError("a preview has one page: leave out `cursor`, or leave out `preview`")
    return FeedPage(preview(app, request), None)


def preview(app: Application, request: FeedRequest) -> Ranking:
    """Recommend a slate of the models that answer its reader, without logging it."""

    def answer(engine: FeedEngine, as_of: int) -> Ranking:
        answering = app.feed.live.challenger.engine_for(engine, request.reader)
        return answering.recommend(replace(request, as_of=as_of)).ranking

    ranking = app.feed.with_engine(answer, request.reader)
    return replace(ranking, degraded=app.feed.may_be_behind)


def rank(app: Application, request: RankRequest, explain: bool = False) -> Ranking:
    """Rank the candidates of `request`; nothing is logged."""
    return app.feed.rank(request, explain)


def rank_as_of(app: Application, request: RankRequest) -> Ranking:
    """Rank and explain as of a past time, by replay of the log up to it.

    Raises:
        BundleError: the active bundle cannot be used.
        StoreError: the database is unavailable.
    """
    with past_engine(app, request.as_of) as engine:
        return engine.rank(request, explain=True)


@contextmanager
def past_engine(app: Application, as_of: int) -> Iterator[FeedEngine]:
    """Yield the engine of a past time, from a replay of the log.

    Raises:
        BundleError: the active bundle cannot be used.
        StoreError: the database is unavailable.
    """
    with cpu_threads(app.settings.threads):  # as in the service, so that scores are equal bit for bit
        yield engine_at(app.database, app.settings, app.encoder, as_of)


def summaries(app: Application, ids: Sequence[str]) -> Mapping[str, ArticleSummary]:
    """Return the summaries of articles in a feed, by id; unknown ids are left out."""
    return app.feed.live.summaries.of(ids)


def trending(app: Application, limit: int, category: str | None = None) -> ScoredList:
    """List the articles with the most recent clicks; scores are clicks with a half-life of four hours."""

    def clicks(engine: FeedEngine, rows: NDArray[np.int64], as_of: int) -> Scores:
        return np.asarray(engine.state.counters.read(rows, as_of)[:, CLICKS, HalfLife.HOURS_4])

    return _scored_list(app, non_personalized.trending, clicks, limit, category)


def latest(app: Application, limit: int, category: str | None = None) -> ScoredList:
    """List the newest articles; scores are seconds since 1970 at which they became available."""

    def available(engine: FeedEngine, rows: NDArray[np.int64], _as_of: int) -> Scores:
        return engine.state.available_since(rows) / SECOND

    return _scored_list(app, non_personalized.latest, available, limit, category)


def similar(app: Application, article: str, limit: int, category: str | None = None) -> ScoredList:
    """List the articles nearest in content; scores are cosines. The list is empty until the article is encoded."""

    def cosines(engine: FeedEngine, rows: NDArray[np.int64], _as_of: int) -> Scores:
        return np.asarray(engine.vectors.of(rows) @ engine.vectors.of(engine.state.rows_of([article]))[0])

    def nearest(engine: FeedEngine, query: ListQuery) -> list[str]:
        return non_personalized.similar(engine, article, query)

    return _scored_list(app, nearest, cosines, limit, category)


def is_stored(app: Application, article: str) -> bool:
    """Return True if an article of that id is stored."""
    with app.database.read() as connection:
        return bool(articles.known_ids(connection, [article]))


def find_article(app: Application, article: str) -> StoredArticle | None:
    """Return a stored article, or None."""
    with app.database.read() as connection:
        found = articles.get(connection, [article])
        tags = articles.content_hashes(connection, [article])
    return None if found.is_empty() else StoredArticle(found.row(0, named=True), tags[article])


def find_articles(app: Application, ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return the stored articles of `ids`, in their order."""
    with app.database.read() as connection:
        return articles.get(connection, ids).to_dicts()


def _scored_list(
    app: Application,
    ids_of: Callable[[FeedEngine, ListQuery], list[str]],
    scores_of: Callable[[FeedEngine, NDArray[np.int64], int], Scores],
    limit: int,
    category: str | None,
) -> ScoredList:
    def answer(engine: FeedEngine, as_of: int) -> ScoredList:
        ids = ids_of(engine, ListQuery(as_of, limit, category))
        return ScoredList(as_of, ids, scores_of(engine, engine.state.rows_of(ids), as_of).tolist())

    return app.feed.with_engine(answer)
