"""/api/user, /api/users."""

from typing import Annotated

from fastapi import Body, Path, Request

from api.application.reader_erasure import erase
from api.gorse import gorse_cursors
from api.gorse.gorse_schemas import MAX_ROWS, Success, UserIn, UserOut, UserPage, UserPatch
from api.gorse.parameters import Cursor, N, gorse
from api.http.dependencies import Service
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.reader_id_params import PseudonymsDep, User
from api.http.schemas import Id
from api.http.security.auth import actor
from api.http.security.scopes import Scope
from recsys.store import gorse_users
from recsys.store.gorse_users import UserRecord

read = gorse("users", Scope.READ)
write = gorse("users", Scope.WRITE)
admin = gorse("users", Scope.ADMIN)


@write.post("/user")
def insert_user(service: Service, pseudonyms: PseudonymsDep, body: UserIn) -> Success:
    """Store a user. Nobody needs to: feedback makes users."""
    return insert_users(service, pseudonyms, [body])


@write.post("/users")
def insert_users(
    service: Service, pseudonyms: PseudonymsDep, body: Annotated[list[UserIn], Body(max_length=MAX_ROWS)]
) -> Success:
    """Store users; the last of an id holds."""
    _save(service, [UserRecord(pseudonyms.of(user.UserId), user.Labels, user.Comment) for user in body])
    return Success(RowAffected=len(body))


@read.get("/users")
def users(service: Service, n: N = 10, cursor: Cursor = "") -> UserPage:
    """All readers that were ever met, by id."""
    after = gorse_cursors.decode(cursor, 1) or ("",)
    with service.database.read() as connection:
        found = gorse_users.page(connection, after[0], n)
    last = gorse_cursors.encode(found[-1].id) if n and len(found) == n else ""
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
        known = gorse_users.get(connection, user) is not None
    if known:
        erase(service.database, service.home, user, actor(request), service.store, named)
    return Success(RowAffected=int(known))


def _one(service: Service, user: str) -> UserRecord:
    with service.database.read() as connection:
        found = gorse_users.get(connection, user)
    if found is None:
        raise HTTPProblem(404, "There is no such user", "nothing is known of a user of that id")
    return found


def _save(service: Service, users: list[UserRecord]) -> None:
    with service.database.write() as connection:
        gorse_users.save(connection, users, service.clock.next())


def _out(user: UserRecord) -> UserOut:
    return UserOut(UserId=user.id, Labels=user.labels, Comment=user.comment)
