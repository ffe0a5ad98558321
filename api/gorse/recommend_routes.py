"""/api/recommend and /api/session/recommend."""

import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import Body, Header, Query, Request

from api.gorse.durations import seconds_of
from api.gorse.feedback_kinds import kind_of
from api.gorse.gorse_schemas import Scored, SessionFeedbackIn, micros
from api.gorse.parameters import Category, CategoryPath, N, Offset, gorse
from api.http.dependencies import Service
from api.http.reader_id_params import User
from api.http.schemas import Text
from api.http.security.scopes import Scope
from recsys.domain import FeedRequest, HistoryItem, Ranking
from recsys.errors import StoreUnavailableError
from recsys.feed.engine import MAX_SLATE
from recsys.serving.pagination import LIFETIME
from recsys.store import gorse_feedback

router = gorse("recommendation", Scope.READ)

_UNSET = 0
"""`as_of` of a request until the service sets it."""

WriteBackType = Annotated[Text, Query(alias="write-back-type", max_length=64)]
WriteBackDelay = Annotated[Text, Query(alias="write-back-delay", max_length=32)]
Version = Annotated[str, Header(alias="X-API-Version")]
Session = Annotated[list[SessionFeedbackIn], Body(max_length=1_000)]


@router.get("/recommend/{user}")
@router.get("/recommend/{user}/", include_in_schema=False)
def recommend(
    request: Request,
    service: Service,
    user: User,
    n: N = 10,
    offset: Offset = 0,
    category: Category = "",
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "0",
    x_api_version: Version = "",
) -> list[Scored] | list[str]:
    """Ids of what to read next, best first; with `X-API-Version: 2` and scores.

    Nothing is drawn by chance, so that pages by `offset` fit together. What is written back is recommended no
    more, once the delay is over.
    """
    session = None
    if write_back_type:
        kind_of(write_back_type, request.app.state.kinds)
        session = gorse_feedback.write_back(write_back_type, seconds_of(write_back_delay))
    if not n:
        return []
    asked = _asked(user, n, category, _had(service, user, offset, category), session)
    # nobody saw a longer list, so it is no slate
    logged = n <= MAX_SLATE
    ranking = service.feed(asked).ranking if logged else _ranked(service, asked)
    return _scored(ranking) if x_api_version == "2" else [item.id for item in ranking.items]


@router.get("/recommend/{user}/{category}")
def recommend_in_category(
    request: Request,
    service: Service,
    user: User,
    category: CategoryPath,
    n: N = 10,
    offset: Offset = 0,
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "0",
    x_api_version: Version = "",
) -> list[Scored] | list[str]:
    """The same of one category: an item's first."""
    return recommend(request, service, user, n, offset, category, write_back_type, write_back_delay, x_api_version)


@router.post("/session/recommend")
@router.post("/session/recommend/", include_in_schema=False)
def session_recommend(service: Service, body: Session, n: N = 10, category: Category = "") -> list[Scored]:
    """What to read next after a session that the request tells; nothing of it is stored."""
    if not n:
        return []
    history = tuple(HistoryItem(each.ItemId, each.Value or None, micros(each.Timestamp)) for each in body)
    asked = _asked("", n, category, {item.id for item in history})
    return _scored(_ranked(service, replace(asked, history=history)))


@router.post("/session/recommend/{category}")
def session_recommend_in_category(
    service: Service, body: Session, category: CategoryPath, n: N = 10
) -> list[Scored]:
    """The same of one category."""
    return session_recommend(service, body, n, category)


def _had(service: Service, user: str, offset: int, category: str) -> set[str]:
    """What is not to be recommended: what was written back, and the first `offset` articles.

    Those are the ones shown last: ranking anew would give others, for being shown counts. Where fewer were shown
    lately, the best of the rest would have come next.
    """
    now = service.clock.next()
    try:
        with service.database.read() as connection:
            had = gorse_feedback.written_back(connection, user, now)
            shown = set(gorse_feedback.last_shown(connection, user, now - LIFETIME, offset) if offset else ())
    except StoreUnavailableError:
        if offset:  # what came before is not known
            raise
        return set()
    missing = offset - len(shown)
    skipped = _ranked(service, _asked(user, missing, category, had | shown)).items if missing > 0 else ()
    return had | shown | {item.id for item in skipped}


def _asked(user: str, n: int, category: str, had: set[str], session: str | None = None) -> FeedRequest:
    return FeedRequest(
        request_id=uuid.uuid4().hex,
        as_of=_UNSET,
        reader=user,
        limit=n,
        category=category or None,
        exclude=frozenset(had),
        explain=False,
        session=session,
    )


def _ranked(service: Service, asked: FeedRequest) -> Ranking:
    return service.ask(lambda engine, as_of: engine.recommend(replace(asked, as_of=as_of)).ranking)


def _scored(ranking: Ranking) -> list[Scored]:
    return [Scored(Id=item.id, Score=item.score) for item in ranking.items]
