"""Use-case of editors: look at the feed of a reader, or of an invented one, and at what moved its articles."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from api.application.context import Application
from api.application.feeds import past_engine
from recsys.domain import FeedRequest, HistoryItem, Ranking
from recsys.errors import BundleError, RequestError
from recsys.feed.engine import FeedEngine
from recsys.feed.feed_metrics import FeedMetrics
from recsys.insight.feed_breakdown import Absence, Breakdown, absence, breakdowns
from recsys.models.model_loader import load_bundle
from recsys.models.model_set import Models
from recsys.serving.article_cache import ArticleSummary

MOST_READ = 50
"""Most articles that an invented reader has read."""


@dataclass(frozen=True, slots=True)
class WantedPage:
    """Feed to look at.

    reader: a stored id, or None for an invented reader who has read the articles `read`, oldest first. version: of
    the models; None for those that answer the reader, or the active ones at a past time. missing: an article to
    explain why it is not there. at: a past time, microseconds; None: now.
    """

    reader: str | None
    read: Sequence[str] = ()
    limit: int = 12
    category: str | None = None
    version: str | None = None
    missing: str | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class PreviewedPage:
    """A feed that nobody was shown. breakdowns: one by item. summaries: of its articles, by id.

    absence: why the article `missing` is not there, with its breakdown; None if it is there, or none was given.
    """

    ranking: Ranking
    breakdowns: Sequence[Breakdown]
    summaries: Mapping[str, ArticleSummary]
    absence: tuple[Absence, Breakdown | None] | None


def preview_page(app: Application, wanted: WantedPage) -> PreviewedPage:
    """Return the feed that `wanted` describes; nothing is logged, counted or remembered.

    Raises:
        RequestError: neither a reader nor a read article is given, a read article is unknown or one too many, or
            the time is not past.
        BundleError: there is no such bundle, or it cannot rank with the vectors that serve.
    """
    request = _request(app, wanted)
    models = None if wanted.version is None else _models(app, wanted.version)

    def answer(engine: FeedEngine, as_of: int) -> PreviewedPage:
        chosen = app.feed.live.challenger.engine_for(engine, wanted.reader) if models is None else engine
        return _page(app, replace(chosen, models=models or chosen.models), replace(request, as_of=as_of), wanted)

    if wanted.at is None:
        return app.feed.with_engine(answer, wanted.reader)
    if wanted.at >= app.clock.next():
        raise RequestError("the time is not past: choose an earlier one, in UTC")
    with past_engine(app, wanted.at) as engine:
        return _page(
            app, replace(engine, models=models or engine.models), replace(request, as_of=wanted.at), wanted
        )


def _page(app: Application, engine: FeedEngine, request: FeedRequest, wanted: WantedPage) -> PreviewedPage:
    engine = replace(engine, metrics=FeedMetrics())  # looking must not count as a feed
    ranking = engine.recommend(request).ranking
    ids = [item.id for item in ranking.items]
    return PreviewedPage(
        ranking,
        breakdowns(engine, request, ids),
        app.feed.live.summaries.of(ids),
        _absence(engine, request, wanted.missing, ids),
    )


def _request(app: Application, wanted: WantedPage) -> FeedRequest:
    history = None
    if wanted.reader is None:
        if not wanted.read:
            raise RequestError("give a reader's id, or the ids of articles that an invented reader has read")
        if len(wanted.read) > MOST_READ:
            raise RequestError(f"an invented reader has read at most {MOST_READ} articles: leave out some")
        known = app.feed.live.summaries.of(wanted.read)
        unknown = [id_ for id_ in wanted.read if id_ not in known]
        if unknown:
            raise RequestError(
                f"no stored article has the id {unknown[0]!r}: copy it from the page of the article"
            )
        history = tuple(HistoryItem(id_) for id_ in wanted.read)
    request_id = uuid.uuid4().hex
    return FeedRequest(
        request_id=request_id,
        reader=wanted.reader or f"invented-{request_id}",
        history=history,
        exclude=frozenset(wanted.read if wanted.reader is None else ()),
        limit=wanted.limit,
        category=wanted.category,
    )


def _models(app: Application, version: str) -> Models:
    engine = app.feed.engine
    if version == engine.models.version:
        return engine.models
    models = load_bundle(app.settings.home, app.encoder.name, version).models
    if not models.space.agrees_with(engine.models.space):
        raise BundleError(
            f"model {version} was trained in another space of article vectors: it cannot be compared"
        )
    return models


def _absence(
    engine: FeedEngine, request: FeedRequest, article: str | None, shown: Sequence[str]
) -> tuple[Absence, Breakdown | None] | None:
    if article is None or article in shown:
        return None
    reason = absence(engine, request, article)
    if reason is Absence.UNKNOWN:
        return reason, None
    return reason, breakdowns(engine, request, [article, *shown])[0]
