"""/api/recommend and /api/session/recommend."""

import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import Body, Depends, Header, Query, Request

from api.application import feeds, gorse_people
from api.application.scopes import Scope
from api.gorse.feedback_kinds import kind_of, session_history
from api.gorse.gorse_schemas import Scored, SessionFeedbackIn
from api.gorse.parameters import Category, CategoryPath, N, Offset, gorse, seconds_of
from api.http.dependencies import App, OnlyPreview, User
from api.http.lean_route import direct, lean
from api.http.schemas import Text
from recsys.domain import FeedRequest, Ranking
from recsys.feed.engine import MAX_SLATE
from recsys.store import gorse_feedback

router = gorse("recommendation", Scope.READ)

_VERSION_HEADER = "X-API-Version"

WriteBackType = Annotated[Text, Query(alias="write-back-type", max_length=64)]
WriteBackDelay = Annotated[Text, Query(alias="write-back-delay", max_length=32)]


async def _version(version: Annotated[str, Header(alias=_VERSION_HEADER)] = "") -> str:
    return version


Version = Annotated[str, Depends(_version)]
direct(_version, lambda request: request.headers.get(_VERSION_HEADER, ""))

Session = Annotated[list[SessionFeedbackIn], Body(max_length=1_000)]


@router.get("/recommend/{user}")
@router.get("/recommend/{user}/", include_in_schema=False)
@lean
def recommend(
    request: Request,
    app: App,
    user: User,
    preview: OnlyPreview,
    version: Version,
    n: N = 10,
    offset: Offset = 0,
    category: Category = "",
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "0",
) -> list[Scored] | list[str]:
    """List ids of recommended items, best first; with `X-API-Version: 2`, ids and scores.

    Nothing is random, so that pages by `offset` fit together. Items written back are not recommended again after
    the delay. With `X-Attune-Preview: true` nothing is logged and nothing is written back.
    """
    session = None
    if write_back_type:
        kind_of(write_back_type, request.app.state.kinds)
        session = gorse_feedback.write_back(write_back_type, seconds_of(write_back_delay))
    if not n:
        return []
    feed = replace(_request(user, n, category, _excluded(app, user, offset, category), session), offset=offset)
    # a longer list is not seen at once, so it is not logged as a slate
    ranking = feeds.recommend_or_preview(app, feed, only_preview=preview or n > MAX_SLATE).ranking
    return _scored(ranking) if version == "2" else [item.id for item in ranking.items]


@router.get("/recommend/{user}/{category}")
@lean
def recommend_in_category(
    request: Request,
    app: App,
    user: User,
    category: CategoryPath,
    preview: OnlyPreview,
    version: Version,
    n: N = 10,
    offset: Offset = 0,
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "0",
) -> list[Scored] | list[str]:
    """List ids of recommended items of one category: the first category of an item counts."""
    write_back = write_back_type, write_back_delay
    return recommend(request, app, user, preview, version, n, offset, category, *write_back)


@router.post("/session/recommend")
@router.post("/session/recommend/", include_in_schema=False)
def session_recommend(
    request: Request, app: App, body: Session, n: N = 10, category: Category = ""
) -> list[Scored]:
    """List recommended items after the session in the request; the session is not stored.

    Feedback types mean what they mean in /api/feedback: items disliked, hidden or only shown are no readings.
    """
    if not n:
        return []
    history = session_history(body, request.app.state.kinds)
    feed = _request("", n, category, {each.ItemId for each in body})
    return _scored(feeds.preview(app, replace(feed, history=history)))


@router.post("/session/recommend/{category}")
def session_recommend_in_category(
    request: Request, app: App, body: Session, category: CategoryPath, n: N = 10
) -> list[Scored]:
    """List recommended items of one category after the session in the request."""
    return session_recommend(request, app, body, n, category)


def _excluded(app: App, user: str, offset: int, category: str) -> set[str]:
    """Return the articles not to recommend: those written back, and the first `offset` articles.

    The first ones are those shown last: a new ranking would give others, since exposures count. If fewer were
    shown recently, the best remaining ones would have come next.
    """
    write_back_articles, shown = gorse_people.shown_before(app, user, offset)
    excluded = write_back_articles | shown
    missing = offset - len(shown)
    if missing > 0:
        skipped = feeds.preview(app, _request(user, missing, category, excluded))
        excluded |= {item.id for item in skipped.items}
    return excluded


def _request(user: str, n: int, category: str, excluded: set[str], session: str | None = None) -> FeedRequest:
    return FeedRequest(
        request_id=uuid.uuid4().hex,
        reader=user,
        limit=n,
        category=category or None,
        exclude=frozenset(excluded),
        explain=False,
        session=session,
    )


def _scored(ranking: Ranking) -> list[Scored]:
    return [Scored(Id=item.id, Score=item.score) for item in ranking.items]
