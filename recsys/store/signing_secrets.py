"""Secrets that sign tokens, shared by all processes of one database."""

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert
from recsys.store.tables import signing_secrets

READER_TOKENS = "reader_tokens"

_BYTES = 32


def shared_secret(connection: Connection, name: str) -> str:
    """Return the secret of this name; the first call makes it. Processes that start together get the same one."""
    new = insert(connection, signing_secrets).values(name=name, secret=secrets.token_hex(_BYTES))
    connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    return str(connection.execute(sa.select(signing_secrets.c.secret).filter_by(name=name)).scalar_one())
