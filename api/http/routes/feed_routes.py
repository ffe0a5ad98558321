"""GET /v1/feed/{reader}, which may hold slashes, and POST /v1/rank."""

import uuid

from fastapi import Response

from api.http.dependencies import Service
from api.http.iso_time import from_iso
from api.http.query_params import FeedQuery
from api.http.reader_id_params import PseudonymsDep, Reader
from api.http.schemas import FeedOut, HistoryItemIn, RankIn, RankOut
from api.http.security.auth import secured_router
from api.http.security.scopes import Scope
from api.http.serializers import feed_out, rank_out
from recsys.domain import FeedRequest, HistoryItem, RankRequest

router = secured_router("/v1", "feed", Scope.READ)

_UNSET = 0
"""`as_of` of a request until the service sets it."""


@router.get("/feed/{reader:id}", response_model=FeedOut)
def feed(service: Service, reader: Reader, asked: FeedQuery) -> Response:
    """A reader's feed. A reader never met gets one too.

    The `cursor` of a page asks for the next one, for half an hour: the feed goes on as it was first asked for,
    without repeating or skipping an article, less what was read or hidden meanwhile.

    It has 20 articles, or `limit`. Each answer is logged as shown to the reader: what they pass over fades.

    With `minutes`, the articles that are worth most to this reader and can all be read in that time, up to 100 or
    `limit`; such a feed explores nothing and has one page. `diversity` weighs unlikeness to the articles above
    against relevance. `page` is the article that the reader is on.

    While the database is away feeds are `degraded`: made from what the process remembers, without a next page.
    """
    request = FeedRequest(
        request_id=uuid.uuid4().hex,
        as_of=_UNSET,
        reader=reader,
        limit=asked.articles,
        category=asked.category,
        exclude=frozenset(asked.exclude or ()),
        minutes=asked.minutes,
        diversity=asked.diversity,
        explore=service.default_explore if asked.explore is None else asked.explore,
        explain=asked.explain,
        device=asked.device,
        page=asked.page,
    )
    found = service.feed(request, asked.cursor)
    out = feed_out(found, reader, service.summaries([item.id for item in found.ranking.items]))
    # written here, and not handed to FastAPI, which would check it once more in yet another thread
    return Response(out.model_dump_json(), media_type="application/json")


@router.post("/rank")
def rank(service: Service, pseudonyms: PseudonymsDep, body: RankIn) -> RankOut:
    """Rank candidates for a stored reader, or for a history in the request: nobody needs to be known here.

    A candidate that was never stored is ranked as an article of which nothing is known; a read that was not, says
    nothing. Nothing is logged. Scores order this answer, and compare with no other.
    """
    request = RankRequest(
        request_id=uuid.uuid4().hex,
        as_of=_UNSET,
        candidates=tuple(dict.fromkeys(body.candidates)),
        reader=None if body.reader is None else pseudonyms.of(body.reader),
        history=None if body.history is None else tuple(_item(item) for item in body.history),
        device=body.device,
        page=body.page,
    )
    return rank_out(service.rank(request, body.explain))


def _item(item: str | HistoryItemIn) -> HistoryItem:
    if isinstance(item, str):
        return HistoryItem(item)
    return HistoryItem(item.id, item.seconds, None if item.at is None else from_iso(item.at))
