"""/api/feedback, and the feedback of one user or one item."""

from typing import Annotated

from fastapi import Body, Request

from api.application import gorse_people
from api.application.iso_time import to_iso
from api.application.scopes import Scope
from api.gorse import gorse_cursors
from api.gorse.feedback_kinds import Kinds, event_of, unknown_type
from api.gorse.gorse_schemas import MAX_ROWS, FeedbackIn, FeedbackOut, FeedbackPage, Success
from api.gorse.parameters import Cursor, Item, N, Type, gorse
from api.http.dependencies import App, PseudonymsDep, User
from api.http.openapi import problems
from api.http.problems import HTTPProblem, rows_rejected
from ingest.pseudonyms import Pseudonyms
from recsys.store.gorse_feedback import Feedback, FeedbackKey

read = gorse("feedback", Scope.READ)
write = gorse("feedback", Scope.WRITE)

Rows = Annotated[list[FeedbackIn], Body(max_length=MAX_ROWS)]


@write.post("/feedback")
def insert_feedback(request: Request, app: App, pseudonyms: PseudonymsDep, body: Rows) -> Success:
    """Add feedback. Sending the same feedback again (type, user, item, time and value) changes nothing."""
    return _stored(request, app, _pseudonymous(pseudonyms, body), overwrite=False)


@write.put("/feedback")
def overwrite_feedback(request: Request, app: App, pseudonyms: PseudonymsDep, body: Rows) -> Success:
    """Replace all feedback of the same type, user and item. The state is folded again if any feedback differs."""
    return _stored(request, app, _pseudonymous(pseudonyms, body), overwrite=True)


@read.get("/feedback")
def all_feedback(app: App, n: N = 10, cursor: Cursor = "") -> FeedbackPage:
    """List all feedback, by user and item."""
    return _page(app, FeedbackKey(), n, cursor)


@read.get("/feedback/{type}")
def feedback_of_type(app: App, type: Type, n: N = 10, cursor: Cursor = "") -> FeedbackPage:
    """List all feedback of one type."""
    return _page(app, FeedbackKey(type=type), n, cursor)


@read.get("/feedback/{user}/{item}")
def feedback_between(app: App, user: User, item: Item) -> list[FeedbackOut]:
    """List the feedback of a user on an item."""
    return _listed(app, FeedbackKey(user, item))


@write.delete("/feedback/{user}/{item}")
def delete_between(app: App, user: User, item: Item) -> Success:
    """Delete the feedback of a user on an item. The state is folded again without it."""
    return Success(RowAffected=gorse_people.delete_feedback(app, FeedbackKey(user, item)))


@read.get("/feedback/{type}/{user}/{item}", responses=problems(404))
def one_feedback(app: App, type: Type, user: User, item: Item) -> FeedbackOut:
    """Return the feedback of one type of a user on an item."""
    found = _listed(app, FeedbackKey(user, item, type))
    if not found:
        raise HTTPProblem(404, "There is no such feedback", "the user gave no feedback of that type on the item")
    return found[0]


@write.delete("/feedback/{type}/{user}/{item}")
def delete_one(app: App, type: Type, user: User, item: Item) -> Success:
    """Delete the feedback of one type of a user on an item. The state is folded again without it."""
    return Success(RowAffected=gorse_people.delete_feedback(app, FeedbackKey(user, item, type)))


@read.get("/user/{user}/feedback")
@read.get("/user/{user}/feedback/", include_in_schema=False)
def feedback_by_user(app: App, user: User) -> list[FeedbackOut]:
    """List the feedback of a user."""
    return _listed(app, FeedbackKey(reader=user))


@read.get("/user/{user}/feedback/{type}")
def typed_feedback_by_user(app: App, user: User, type: Type) -> list[FeedbackOut]:
    """List the feedback of one type of a user."""
    return _listed(app, FeedbackKey(reader=user, type=type))


@read.get("/item/{item}/feedback")
@read.get("/item/{item}/feedback/", include_in_schema=False)
def feedback_by_item(app: App, item: Item) -> list[FeedbackOut]:
    """List the feedback on an item."""
    return _listed(app, FeedbackKey(article=item))


@read.get("/item/{item}/feedback/{type}")
def typed_feedback_by_item(app: App, item: Item, type: Type) -> list[FeedbackOut]:
    """List the feedback of one type on an item."""
    return _listed(app, FeedbackKey(article=item, type=type))


def _pseudonymous(pseudonyms: Pseudonyms, rows: list[FeedbackIn]) -> list[FeedbackIn]:
    return [row.model_copy(update={"UserId": pseudonyms.of(row.UserId)}) for row in rows]


def _stored(request: Request, app: App, rows: list[FeedbackIn], overwrite: bool) -> Success:
    kinds: Kinds = request.app.state.kinds
    known = [row for row in rows if row.FeedbackType in kinds]
    events = [event_of(row, kinds, app.clock.next()) for row in known]
    replaced: list[FeedbackKey] = []
    if overwrite:  # the last row of a batch counts
        last = {
            (row.FeedbackType, row.UserId, row.ItemId): event for row, event in zip(known, events, strict=True)
        }
        events = list(last.values())
        replaced = [FeedbackKey(user, item, type_) for type_, user, item in last]
    received = gorse_people.put_feedback(app, events, replaced)
    if received.rejected:
        article = events[received.rejected[0].index]["article"]
        raise rows_rejected(f"feedback to item {article!r}", received.rejected)
    unknown = [row.FeedbackType for row in rows if row.FeedbackType not in kinds]
    if unknown:
        stored = f"{len(known)} other rows are stored; " if known else ""
        raise HTTPProblem(422, "Unknown feedback type", stored + unknown_type(unknown[0], kinds))
    return Success(RowAffected=len(rows))


def _listed(app: App, which: FeedbackKey) -> list[FeedbackOut]:
    return [_out(each) for each in gorse_people.list_feedback(app, which)]


def _page(app: App, which: FeedbackKey, n: int, cursor: str) -> FeedbackPage:
    place = gorse_cursors.decode(cursor, 3)
    found = gorse_people.list_feedback(app, which, None if place is None else FeedbackKey(*place), n)
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
