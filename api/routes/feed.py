"""GET /v1/feed/{reader}, which may hold slashes, and POST /v1/rank."""

import uuid
from typing import Annotated

from fastapi import Query, Response

from api.dependencies import Service
from api.reader_ids import Edge, Reader
from api.render import feed_out, rank_out
from api.schemas import FeedOut, HistoryItemIn, Id, RankIn, RankOut, Text
from api.security.gate import gated
from api.security.scopes import Scope
from api.times import from_iso
from recsys.domain import FeedRequest, HistoryItem, RankRequest

router = gated("/v1", "feed", Scope.READ)

_UNSET = 0
"""`as_of` of a request until the service sets it."""


@router.get("/feed/{reader:id}", response_model=FeedOut)
def feed(
    service: Service,
    reader: Reader,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    category: Annotated[str | None, Query(max_length=256)] = None,
    exclude: Annotated[list[str] | None, Query(max_length=1_000)] = None,
    minutes: Annotated[float | None, Query(gt=0, le=180)] = None,
    diversity: Annotated[float, Query(ge=0, le=1)] = 0.0,
    explore: Annotated[float | None, Query(ge=0, le=0.5)] = None,
    explain: bool = True,
    device: Annotated[Text | None, Query(max_length=64)] = None,
    page: Annotated[Id | None, Query()] = None,
) -> Response:
    """A reader's feed. A reader never met gets one too.

    The `cursor` of a page asks for the next one, for half an hour: the feed goes on as it was first asked for,
    without repeating or skipping an article, less what was read or hidden meanwhile.

    With `minutes`, the articles that are worth most to this reader and can all be read in that time; such a feed
    explores nothing and has one page. `diversity` weighs unlikeness to the articles above against relevance.
    `page` is the article that the reader is on.

    While the database is away feeds are `degraded`: made from what the process remembers, without a next page.
    """
    request = FeedRequest(
        request_id=uuid.uuid4().hex,
        as_of=_UNSET,
        reader=reader,
        limit=limit,
        category=category,
        exclude=frozenset(exclude or ()),
        minutes=minutes,
        diversity=diversity,
        explore=service.default_explore if explore is None else explore,
        explain=explain,
        device=device,
        page=page,
    )
    found = service.feed(request, cursor)
    out = feed_out(found, reader, service.cards([item.id for item in found.ranking.items]))
    # written here, and not handed to FastAPI, which would check it once more in yet another thread
    return Response(out.model_dump_json(), media_type="application/json")


@router.post("/rank")
def rank(service: Service, edge: Edge, body: RankIn) -> RankOut:
    """Rank candidates for a stored reader, or for a history in the request: nobody needs to be known here."""
    request = RankRequest(
        request_id=uuid.uuid4().hex,
        as_of=_UNSET,
        candidates=tuple(dict.fromkeys(body.candidates)),
        reader=None if body.reader is None else edge.of(body.reader),
        history=None if body.history is None else tuple(_item(item) for item in body.history),
        page=body.page,
    )
    return rank_out(service.rank(request, body.explain))


def _item(item: str | HistoryItemIn) -> HistoryItem:
    if isinstance(item, str):
        return HistoryItem(item)
    return HistoryItem(item.id, item.seconds, None if item.at is None else from_iso(item.at))
