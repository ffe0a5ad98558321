"""Making and revoking keys, on record."""

import time

from api.security import tokens
from api.security.scopes import Scope
from recsys.errors import RequestError
from recsys.store import audit, keys
from recsys.store.audit import Act, AuditRow
from recsys.store.database import Database
from recsys.store.keys import KeyRow


def create(database: Database, scope: Scope, name: str, actor: str) -> tuple[str, KeyRow]:
    """Make a key; it is told here and never again."""
    token, id_ = tokens.make()
    now = time.time_ns() // 1_000
    row = KeyRow(id_, tokens.digest(token), scope, name, now)
    with database.write() as connection:
        keys.add(connection, row)
        audit.record(connection, AuditRow(now, actor, Act.KEY_CREATED, id_))
    return token, row


def revoke(database: Database, id_: str, actor: str) -> None:
    """Revoke a key for good.

    Raises:
        RequestError: no key of that id holds.
    """
    now = time.time_ns() // 1_000
    with database.write() as connection:
        if not keys.revoke(connection, id_, now):
            raise RequestError(f"there is no key {id_!r} that still holds; `attune keys list` shows them")
        audit.record(connection, AuditRow(now, actor, Act.KEY_REVOKED, id_))
