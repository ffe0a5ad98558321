"""/api/feedback, and the feedback of one user or item."""

from typing import Annotated

from fastapi import Body, Request

from api.gorse import gorse_cursors
from api.gorse.feedback_kinds import Kinds, event_of
from api.gorse.gorse_schemas import MAX_ROWS, FeedbackIn, FeedbackOut, FeedbackPage, Success
from api.gorse.item_catalog import refused
from api.gorse.parameters import Cursor, Item, N, Type, gorse
from api.http.dependencies import Service
from api.http.iso_time import to_iso
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.reader_id_params import PseudonymsDep, User
from api.http.security.scopes import Scope
from ingest.http_ingest import Received, store_events
from ingest.pseudonyms import Pseudonyms
from recsys.store import gorse_feedback as stored
from recsys.store.gorse_feedback import Feedback, FeedbackKey

read = gorse("feedback", Scope.READ)
write = gorse("feedback", Scope.WRITE)

Rows = Annotated[list[FeedbackIn], Body(max_length=MAX_ROWS)]

_ALL = 100_000
"""More acts of one user, or with one item, are not told at once."""


@write.post("/feedback")
def insert_feedback(request: Request, service: Service, pseudonyms: PseudonymsDep, body: Rows) -> Success:
    """Add feedback to what there is. The same again (type, user, item, time and value) changes nothing."""
    return _stored(request, service, _hidden(pseudonyms, body), overwrite=False)


@write.put("/feedback")
def overwrite_feedback(request: Request, service: Service, pseudonyms: PseudonymsDep, body: Rows) -> Success:
    """Replace all feedback of the same type, user and item. State is folded anew if any of it was another."""
    return _stored(request, service, _hidden(pseudonyms, body), overwrite=True)


@read.get("/feedback")
def all_feedback(service: Service, n: N = 10, cursor: Cursor = "") -> FeedbackPage:
    """All feedback, by user and item."""
    return _page(service, FeedbackKey(), n, cursor)


@read.get("/feedback/{type}")
def feedback_of_type(service: Service, type: Type, n: N = 10, cursor: Cursor = "") -> FeedbackPage:
    """All feedback of one type."""
    return _page(service, FeedbackKey(type=type), n, cursor)


@read.get("/feedback/{user}/{item}")
def feedback_between(service: Service, user: User, item: Item) -> list[FeedbackOut]:
    """What a user did with an item."""
    return _listed(service, FeedbackKey(user, item))


@write.delete("/feedback/{user}/{item}")
def delete_between(service: Service, user: User, item: Item) -> Success:
    """Delete what a user did with an item. State is folded anew without it."""
    return Success(RowAffected=_deleted(service, FeedbackKey(user, item)))


@read.get("/feedback/{type}/{user}/{item}", responses=problems(404))
def one_feedback(service: Service, type: Type, user: User, item: Item) -> FeedbackOut:
    """What a user did with an item, of one type."""
    found = _listed(service, FeedbackKey(user, item, type))
    if not found:
        raise HTTPProblem(404, "There is no such feedback", "the user did nothing of that type with the item")
    return found[0]


@write.delete("/feedback/{type}/{user}/{item}")
def delete_one(service: Service, type: Type, user: User, item: Item) -> Success:
    """Delete what a user did with an item, of one type. State is folded anew without it."""
    return Success(RowAffected=_deleted(service, FeedbackKey(user, item, type)))


@read.get("/user/{user}/feedback")
@read.get("/user/{user}/feedback/", include_in_schema=False)
def feedback_by_user(service: Service, user: User) -> list[FeedbackOut]:
    """What a user did."""
    return _listed(service, FeedbackKey(reader=user))


@read.get("/user/{user}/feedback/{type}")
def typed_feedback_by_user(service: Service, user: User, type: Type) -> list[FeedbackOut]:
    """What a user did, of one type."""
    return _listed(service, FeedbackKey(reader=user, type=type))


@read.get("/item/{item}/feedback")
@read.get("/item/{item}/feedback/", include_in_schema=False)
def feedback_by_item(service: Service, item: Item) -> list[FeedbackOut]:
    """What users did with an item."""
    return _listed(service, FeedbackKey(article=item))


@read.get("/item/{item}/feedback/{type}")
def typed_feedback_by_item(service: Service, item: Item, type: Type) -> list[FeedbackOut]:
    """What users did with an item, of one type."""
    return _listed(service, FeedbackKey(article=item, type=type))


def _hidden(pseudonyms: Pseudonyms, rows: list[FeedbackIn]) -> list[FeedbackIn]:
    return [row.model_copy(update={"UserId": pseudonyms.of(row.UserId)}) for row in rows]


def _stored(request: Request, service: Service, rows: list[FeedbackIn], overwrite: bool) -> Success:
    kinds: Kinds = request.app.state.kinds
    clock = service.clock
    events = [event_of(row, kinds, clock.next()) for row in rows]
    if overwrite:  # the last of a batch holds
        last = {(row.FeedbackType, row.UserId, row.ItemId): event for row, event in zip(rows, events, strict=True)}
        events = list(last.values())

    def write() -> Received:
        received = store_events(service.database, events, clock.next(), clock.next)
        if overwrite and not received.rejected:
            keys = [FeedbackKey(user, item, type_) for type_, user, item in last]
            with service.database.write() as connection:
                stored.retract(connection, keys, keep=[str(event["id"]) for event in events])
        return received

    received = service.store(write)
    if received.rejected:
        first = received.rejected[0]
        raise refused(f"feedback to item {events[first.index]['article']!r}", first.reason, len(received.rejected))
    return Success(RowAffected=len(rows))


def _deleted(service: Service, which: FeedbackKey) -> int:
    def write() -> int:
        with service.database.write() as connection:
            return stored.retract(connection, [which], keep=[])

    return service.store(write)


def _listed(service: Service, which: FeedbackKey) -> list[FeedbackOut]:
    with service.database.read() as connection:
        return [_out(each) for each in stored.listed(connection, which, None, _ALL)]


def _page(service: Service, which: FeedbackKey, n: int, cursor: str) -> FeedbackPage:
    place = gorse_cursors.decode(cursor, 3)
    with service.database.read() as connection:
        found = stored.listed(connection, which, None if place is None else FeedbackKey(*place), n)
    last = (
        gorse_cursors.encode(found[-1].reader, found[-1].article, found[-1].type) if n and len(found) == n else ""
    )
    return FeedbackPage(Cursor=last, Feedback=[_out(each) for each in found])


def _out(each: Feedback) -> FeedbackOut:
    return FeedbackOut(
        FeedbackType=each.type,
        UserId=each.reader,
        ItemId=each.article,
        Timestamp=to_iso(each.at),
        Value=each.value,
    )
