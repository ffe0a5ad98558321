"""Use-cases of sessions of the console: sign in with a key, use the session, sign out.

The browser keeps a random token; the database keeps its digest. Both ends and beginnings are in the audit log.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from api.application.context import Application
from recsys.domain import HOUR, MINUTE
from recsys.store import audit_log, console_sessions
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.console_sessions import SessionRow

IDLE = 30 * MINUTE
"""A session ends after this time without a request."""

LONGEST = 12 * HOUR
"""A session ends this long after it began."""

_SAVE_EVERY = MINUTE
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """Session of a browser. token: secret in its cookie; key: id of the key that signed in."""

    token: str
    key: str

    @property
    def form_token(self) -> str:
        """Token that each form of this session sends along. It follows from the secret, so nobody can guess it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    def owns_form(self, given: str) -> bool:
        """Return True if `given` is the token of the forms of this session, in constant time."""
        return hmac.compare_digest(self.form_token.encode(), given.encode(errors="replace"))


def begin_session(app: Application, key: str) -> Session:
    """Begin a session of the key with the id `key`, which the caller has checked.

    Raises:
        StoreError: the database is unavailable.
    """
    session, now = Session(secrets.token_urlsafe(32), key), app.clock.next()
    with app.database.write() as connection:
        console_sessions.add(connection, SessionRow(_digest(session.token), key, now, now))
        audit_log.record(connection, AuditRow(now, key, AuditAction.SIGNED_IN, key))
    return session


def find_session(app: Application, token: str) -> Session | None:
    """Return the session of a token, and record its use; None if there is none, or it has expired.

    Raises:
        StoreError: the database is unavailable.
    """
    if not _FORM.fullmatch(token):
        return None
    digest, now = _digest(token), app.clock.next()
    with app.database.read() as connection:
        row = console_sessions.find(connection, digest)
    if row is None or now - row.used_at > IDLE or now - row.started_at > LONGEST:
        return None
    if now - row.used_at > _SAVE_EVERY:  # not with each request: a page would wait for other writers
        with app.database.write() as connection:
            console_sessions.record_use(connection, digest, now)
    return Session(token, row.key)


def end_session(app: Application, session: Session) -> None:
    """End a session.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.write() as connection:
        if console_sessions.end(connection, _digest(session.token)):
            audit_log.record(connection, AuditRow.now(session.key, AuditAction.SIGNED_OUT, session.key))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
