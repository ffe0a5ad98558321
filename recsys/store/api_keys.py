"""API keys. Only their digests are stored."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.tables import api_keys


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One API key. id: its public part; digest: SHA-256 of the whole key, hexadecimal; times: microseconds.

    origins: of a site key, the origins whose pages may send events with it.
    """

    id: str
    digest: str
    scope: str
    name: str
    created_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None
    origins: tuple[str, ...] = ()


def add(connection: Connection, row: KeyRow) -> None:
    """Store a new key."""
    connection.execute(sa.insert(api_keys).values(**asdict(row) | {"origins": json.dumps(row.origins)}))


def all_keys(connection: Connection) -> list[KeyRow]:
    """Return all keys, revoked ones included, oldest first."""
    query = sa.select(*(api_keys.c[field.name] for field in fields(KeyRow)))
    found = connection.execute(query.order_by(api_keys.c.created_at, api_keys.c.id))
    return [KeyRow(**{**row, "origins": tuple(json.loads(row["origins"]))}) for row in found.mappings()]


def revoke(connection: Connection, id_: str, at: int) -> bool:
    """Revoke a key for good. Return False if no active key has this id."""
    active = (api_keys.c.id == id_, api_keys.c.revoked_at.is_(None))
    return connection.execute(sa.update(api_keys).where(*active).values(revoked_at=at)).rowcount > 0


def record_use(connection: Connection, times: Mapping[str, int]) -> None:
    """Record when keys were last used: id → microseconds. Never move a time back."""
    last_used = sa.func.coalesce(api_keys.c.last_used_at, 0)
    for id_, at in times.items():
        newer = sa.update(api_keys).where(api_keys.c.id == id_, last_used < at)
        connection.execute(newer.values(last_used_at=at))
