"""/api/user and /api/users."""

from typing import Annotated

from fastapi import Body, Path, Request

from api.application import gorse_people, reader_data
from api.application.scopes import Scope
from api.gorse import gorse_cursors
from api.gorse.gorse_schemas import MAX_ROWS, Success, UserIn, UserOut, UserPage, UserPatch
from api.gorse.parameters import Cursor, N, gorse
from api.http.dependencies import App, PseudonymsDep, User
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.schemas import Id
from api.http.security.auth import actor
from recsys.store.gorse_users import UserRecord

read = gorse("users", Scope.READ)
write = gorse("users", Scope.WRITE)
admin = gorse("users", Scope.ADMIN)


@write.post("/user")
def insert_user(app: App, pseudonyms: PseudonymsDep, body: UserIn) -> Success:
    """Store a user. This is optional: feedback creates users too."""
    return insert_users(app, pseudonyms, [body])


@write.post("/users")
def insert_users(
    app: App, pseudonyms: PseudonymsDep, body: Annotated[list[UserIn], Body(max_length=MAX_ROWS)]
) -> Success:
    """Store users; of equal ids the last one counts."""
    records = [UserRecord(pseudonyms.of(user.UserId), user.Labels, user.Comment) for user in body]
    gorse_people.save_users(app, records)
    return Success(RowAffected=len(body))


@read.get("/users")
def users(app: App, n: N = 10, cursor: Cursor = "") -> UserPage:
    """List all known users by id."""
    after = gorse_cursors.decode(cursor, 1) or ("",)
    found = gorse_people.list_users(app, after[0], n)
    last = gorse_cursors.encode(found[-1].id) if n and len(found) == n else ""
    return UserPage(Cursor=last, Users=[_out(user) for user in found])


@read.get("/user/{user}", responses=problems(404))
def user(app: App, user: User) -> UserOut:
    """Return a user."""
    return _out(_one(app, user))


@write.patch("/user/{user}", responses=problems(404))
def change_user(app: App, user: User, body: UserPatch) -> Success:
    """Change the given fields of a user."""
    old = _one(app, user)
    labels = old.labels if body.Labels is None else body.Labels
    comment = old.comment if body.Comment is None else body.Comment
    gorse_people.save_users(app, [UserRecord(user, labels, comment)])
    return Success(RowAffected=1)


@admin.delete("/user/{user}")
def delete_user(request: Request, app: App, user: User, raw_id: Annotated[Id, Path(alias="user")]) -> Success:
    """Erase a user and all their events, like DELETE /v1/readers; that route returns a receipt."""
    known = gorse_people.find_user(app, user) is not None
    if known:
        reader_data.erase_reader(app, user, actor(request), raw_id)
    return Success(RowAffected=int(known))


def _one(app: App, user: str) -> UserRecord:
    found = gorse_people.find_user(app, user)
    if found is None:
        raise HTTPProblem(404, "There is no such user", "no data of a user with that id is stored")
    return found


def _out(user: UserRecord) -> UserOut:
    return UserOut(UserId=user.id, Labels=user.labels, Comment=user.comment)
