"""Sessions of the console. Only digests of their tokens are stored, and no data of readers."""

from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import console_sessions


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session. digest: SHA-256 of its token, hexadecimal; key: id of the API key; times: microseconds."""

    digest: str
    key: str
    started_at: int
    used_at: int


def add(connection: Connection, row: SessionRow) -> None:
    """Store a new session."""
    connection.execute(sa.insert(console_sessions).values(**asdict(row)))


def find(connection: Connection, digest: str) -> SessionRow | None:
    """Return the session of this digest, or None."""
    query = sa.select(*(console_sessions.c[field.name] for field in fields(SessionRow)))
    row = connection.execute(query.where(console_sessions.c.digest == digest)).one_or_none()
    return None if row is None else SessionRow(*row)


def record_use(connection: Connection, digest: str, at: int) -> None:
    """Record that a session was used at `at` (microseconds). Never move the time back."""
    s = console_sessions
    connection.execute(sa.update(s).where(s.c.digest == digest, s.c.used_at < at).values(used_at=at))


def end(connection: Connection, digest: str) -> bool:
    """Delete a session; return False if there is none of this digest."""
    return connection.execute(sa.delete(console_sessions).where(console_sessions.c.digest == digest)).rowcount > 0


def sweep(connection: Connection, unused_since: int) -> int:
    """Delete the sessions that were last used before `unused_since` (microseconds); return their number."""
    return connection.execute(
        sa.delete(console_sessions).where(console_sessions.c.used_at < unused_since)
    ).rowcount
