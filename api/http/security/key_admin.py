"""Making and revoking keys, on record."""

import time

from api.http.security import key_tokens
from api.http.security.scopes import Scope
from recsys.errors import RequestError
from recsys.store import api_keys, audit_log
from recsys.store.api_keys import KeyRow
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import Database


def create(database: Database, scope: Scope, name: str, actor: str) -> tuple[str, KeyRow]:
    """Make a key; it is told here and never again."""
    token, id_ = key_tokens.make()
    now = time.time_ns() // 1_000
    row = KeyRow(id_, key_tokens.digest(token), scope, name, now)
    with database.write() as connection:
        api_keys.add(connection, row)
        audit_log.record(connection, AuditRow(now, actor, AuditAction.KEY_CREATED, id_))
    return token, row


def revoke(database: Database, id_: str, actor: str) -> None:
    """Revoke a key for good.

    Raises:
        RequestError: no key of that id holds.
    """
    now = time.time_ns() // 1_000
    with database.write() as connection:
        if not api_keys.revoke(connection, id_, now):
            raise RequestError(f"there is no key {id_!r} that still holds; `attune keys list` shows them")
        audit_log.record(connection, AuditRow(now, actor, AuditAction.KEY_REVOKED, id_))
