"""Use-cases of API keys: create, list, revoke. Changes are recorded in the audit log, which is listed here too."""

import time
from collections.abc import Sequence

from api.application import key_tokens
from api.application.context import Application
from api.application.origins import site_origins
from api.application.scopes import Scope
from recsys.errors import RequestError
from recsys.store import api_keys, audit_log
from recsys.store.api_keys import KeyRow
from recsys.store.audit_log import AuditAction, AuditRow


def create_key(
    app: Application, scope: Scope, name: str, actor: str, origins: Sequence[str] = ()
) -> tuple[str, KeyRow]:
    """Create a key. Its token is returned here and not stored.

    `origins`: those whose pages may use a site key.

    Raises:
        RequestError: a site key has no origin, another key has one, or an origin is not valid.
    """
    if origins and scope is not Scope.SITE:
        raise RequestError(f"a key of scope {scope} belongs to no page: leave out --origin, or use --scope site")
    allowed = site_origins(origins) if scope is Scope.SITE else ()
    token, id_ = key_tokens.make()
    now = time.time_ns() // 1_000
    row = KeyRow(id_, key_tokens.digest(token), scope, name, now, origins=allowed)
    with app.database.write() as connection:
        api_keys.add(connection, row)
        audit_log.record(connection, AuditRow(now, actor, AuditAction.KEY_CREATED, id_))
    return token, row


def list_keys(app: Application) -> Sequence[KeyRow]:
    """List all keys ever created."""
    with app.database.read() as connection:
        return api_keys.all_keys(connection)


def revoke_key(app: Application, id_: str, actor: str) -> None:
    """Revoke a key for good.

    Raises:
        RequestError: there is no valid key of that id.
    """
    now = time.time_ns() // 1_000
    with app.database.write() as connection:
        if not api_keys.revoke(connection, id_, now):
            raise RequestError(f"there is no valid key {id_!r}: run `attune keys list` for all keys")
        audit_log.record(connection, AuditRow(now, actor, AuditAction.KEY_REVOKED, id_))


def list_audit(app: Application, count: int) -> Sequence[AuditRow]:
    """List the newest `count` actions of administrators, newest first."""
    with app.database.read() as connection:
        return audit_log.newest(connection, count)
