"""/api/user, /api/users."""

from typing import Annotated

from fastapi import Body, Path, Request

from api.dependencies import Service
from api.erasure import erase
from api.errors import Refusal
from api.gorse import cursors
from api.gorse.parameters import Cursor, N, gorse
from api.gorse.schemas import MAX_ROWS, Success, UserIn, UserOut, UserPage, UserPatch
from api.openapi import problems
from api.reader_ids import Edge, User
from api.schemas import Id
from api.security.gate import actor
from api.security.scopes import Scope
from recsys.store import user_records
from recsys.store.user_records import UserRecord

read = gorse("users", Scope.READ)
write = gorse("users", Scope.WRITE)
admin = gorse("users", Scope.ADMIN)


@write.post("/user")
def insert_user(service: Service, edge: Edge, body: UserIn) -> Success:
    """Store a user. Nobody needs to: feedback makes users."""
    return insert_users(service, edge, [body])


@write.post("/users")
def insert_users(
    service: Service, edge: Edge, body: Annotated[list[UserIn], Body(max_length=MAX_ROWS)]
) -> Success:
    """Store users; the last of an id holds."""
    _save(service, [UserRecord(edge.of(user.UserId), user.Labels, user.Comment) for user in body])
    return Success(RowAffected=len(body))


@read.get("/users")
def users(service: Service, n: N = 10, cursor: Cursor = "") -> UserPage:
    """All readers that were ever met, by id."""
    after = cursors.decode(cursor, 1) or ("",)
    with service.database.read() as connection:
        found = user_records.page(connection, after[0], n)
    last = cursors.encode(found[-1].id) if n and len(found) == n else ""
    return UserPage(Cursor=last, Users=[_out(user) for user in found])


@read.get("/user/{user}", responses=problems(404))
def user(service: Service, user: User) -> UserOut:
    """A user."""
    return _out(_one(service, user))


@write.patch("/user/{user}", responses=problems(404))
def change_user(service: Service, user: User, body: UserPatch) -> Success:
    """Change what is named."""
    old = _one(service, user)
    labels = old.labels if body.Labels is None else body.Labels
    _save(service, [UserRecord(user, labels, old.comment if body.Comment is None else body.Comment)])
    return Success(RowAffected=1)


@admin.delete("/user/{user}")
def delete_user(
    request: Request, service: Service, user: User, named: Annotated[Id, Path(alias="user")]
) -> Success:
    """Erase a user and all they did, as DELETE /v1/readers does; that one gives a receipt."""
    with service.database.read() as connection:
        known = user_records.get(connection, user) is not None
    if known:
        erase(service.database, service.home, user, actor(request), service.store, named)
    return Success(RowAffected=int(known))


def _one(service: Service, user: str) -> UserRecord:
    with service.database.read() as connection:
        found = user_records.get(connection, user)
    if found is None:
        raise Refusal(404, "There is no such user", "nothing is known of a user of that id")
    return found


def _save(service: Service, users: list[UserRecord]) -> None:
    with service.database.write() as connection:
        user_records.save(connection, users, service.clock.next())


def _out(user: UserRecord) -> UserOut:
    return UserOut(UserId=user.id, Labels=user.labels, Comment=user.comment)
