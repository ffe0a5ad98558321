"""GET /v1/feed/{reader}, GET /v1/feed and POST /v1/rank. Reader ids may contain slashes."""

import uuid

from fastapi import Request, Response

from api.application import article_briefs, feeds, unknown_names
from api.application.context import Application
from api.application.iso_time import from_iso
from api.application.scopes import Scope
from api.http.dependencies import (
    App,
    Language,
    OnlyPreview,
    PseudonymsDep,
    Reader,
    language_headers,
    require_preview_key,
)
from api.http.lean_route import lean
from api.http.query_params import FeedParams, FeedQuery, OwnFeedQuery
from api.http.schemas import FeedOut, HistoryItemIn, RankIn, RankOut
from api.http.security.auth import free_only, secured_router, token_reader
from api.http.serializers import feed_out, rank_out
from recsys.domain import FeedRequest, HistoryItem, RankRequest
from recsys.errors import RequestError

router = secured_router("/v1", "feed", Scope.READ)
own = secured_router("/v1", "feed", Scope.READ, own_reader=True)


@own.get("/feed", response_model=FeedOut)
@lean
def own_feed(
    request: Request,
    app: App,
    pseudonyms: PseudonymsDep,
    query: OwnFeedQuery,
    preview: OnlyPreview,
    language: Language,
) -> Response:
    """Return the feed of the token's reader; with a key, of the reader in the query.

    Everything else is as in `GET /v1/feed/{reader}`.
    """
    reader = query.reader or token_reader(request)
    if reader is None:
        raise RequestError("this feed has no reader: add ?reader=…, or send a reader token instead of a key")
    return _feed(request, app, pseudonyms.of(reader), query, preview, language)


@own.get("/feed/{reader:id}", response_model=FeedOut)
@lean
def feed(
    request: Request, app: App, reader: Reader, query: FeedQuery, preview: OnlyPreview, language: Language
) -> Response:
    """Return a reader's feed, also for an unknown reader.

    The `cursor` of a page requests the next page, for half an hour. The feed continues with its first parameters
    and repeats or skips no article, except those read or hidden meanwhile.

    A page has 20 articles, or `limit`. Each answer is logged as shown: articles that the reader skips rank lower.
    With `preview=true`, or the header `X-Attune-Preview: true`, nothing is logged and there is no next page: to
    look at the feed of a reader who is not there. That needs a key; a reader token does not allow it. Crawlers and
    prefetches (`Sec-Purpose`) get a preview, too.

    `rules` of an item are rules of editors that act on it. `access=free` leaves out articles whose `access` is
    premium, paid or subscriber.

    `minutes` returns the articles with the highest total utility that can be read in that time, up to 100 or
    `limit`; this feed has no exploration and one page. `diversity` weighs dissimilarity to the articles above
    against relevance. `page` is the article that the reader has open.

    `include=tldr` adds the brief of each article, one or two of its sentences, as `tldr`.

    Each reason has a `code` with `params`, and a `text` in the best language of `Accept-Language`: English,
    Danish, German or Chinese.

    While the database is unavailable, feeds are `degraded`: made from memory, without a next page.
    """
    return _feed(request, app, reader, query, preview, language)


@router.post("/rank")
def rank(app: App, pseudonyms: PseudonymsDep, body: RankIn, language: Language, response: Response) -> RankOut:
    """Rank candidates for a stored reader, or for a history in the request.

    A candidate that is not stored is ranked as an unknown article; a read of an article that is not stored has no
    effect. Nothing is logged. Scores are comparable only within one answer. Texts of reasons are in the best
    language of `Accept-Language`, as in feeds.
    """
    request = RankRequest(
        request_id=uuid.uuid4().hex,
        candidates=tuple(dict.fromkeys(body.candidates)),
        reader=None if body.reader is None else pseudonyms.of(body.reader),
        history=None if body.history is None else tuple(_item(item) for item in body.history),
        device=body.device,
        page=body.page,
    )
    reads = [item.id for item in request.history or ()]
    warnings = unknown_names.unknown_articles(app, [*request.candidates, *reads])
    response.headers.update(language_headers(language))
    return rank_out(feeds.rank(app, request, body.explain), warnings, language)


def _feed(
    caller: Request, app: Application, reader: str, query: FeedParams, preview: bool, language: str
) -> Response:
    """Return the answer with the feed of a stored reader."""
    if query.preview:
        require_preview_key(caller)
    request = FeedRequest(
        request_id=uuid.uuid4().hex,
        reader=reader,
        limit=query.articles,
        category=query.category,
        exclude=frozenset(query.exclude or ()),
        minutes=query.minutes,
        diversity=query.diversity,
        explore=app.settings.explore if query.explore is None else query.explore,
        explain=query.explain,
        device=query.device,
        page=query.page,
        free_only=query.access == "free" or free_only(caller),
    )
    found = feeds.recommend_or_preview(app, request, query.cursor, only_preview=preview or query.preview)
    shown = [item.id for item in found.ranking.items]
    ids = (id_ for item in found.ranking.items for id_ in (item.id, *item.also_in))
    summaries = feeds.summaries(app, list(ids))
    briefs = {} if query.include is None else article_briefs.brief_texts(app, shown)
    warnings = unknown_names.unknown_category(app, query.category)
    out = feed_out(found, reader, summaries, warnings, language, briefs)
    # serialized here: FastAPI would validate it again in another thread
    headers = language_headers(language)
    return Response(out.model_dump_json(), headers=headers, media_type="application/json")


def _item(item: str | HistoryItemIn) -> HistoryItem:
    if isinstance(item, str):
        return HistoryItem(item)
    return HistoryItem(item.id, item.seconds, None if item.at is None else from_iso(item.at))
