"""Revisions: one number for every change of the catalogue, so that processes find what changed since."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store import event_log
from recsys.store.tables import articles, withdrawals


def last_revision(connection: Connection) -> int:
    """Return the newest revision of all articles and withdrawals."""
    newest = (sa.select(sa.func.max(table.c.revision)) for table in (articles, withdrawals))
    return max(connection.execute(query).scalar_one() or 0 for query in newest)


def next_revision(connection: Connection) -> int:
    """Return the revision of a change in this transaction, which holds the append lock from now on."""
    event_log.lock(connection)  # one writer at a time: a later revision must never become visible first
    return last_revision(connection) + 1
