"""Withdrawals: articles that stay out of feeds and lists, whatever content arrives, until they are restored.

A withdrawal is a fact of its own, beside the content: storing the article again, from any source, does not end it.
Only `restore` does. A lifted withdrawal stays as a row, so that no revision is ever given twice.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert
from recsys.store.id_arrays import rows_of
from recsys.store.revisions import next_revision
from recsys.store.tables import articles, withdrawals


def is_shown() -> sa.ColumnElement[bool]:
    """Return the condition on `articles` that the article is not withdrawn."""
    standing = sa.select(withdrawals.c.id).where(withdrawals.c.id == articles.c.id, ~withdrawals.c.lifted)
    return ~standing.exists()


def withdraw(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Withdraw articles, stored or not; return those of `ids` that were not withdrawn before."""
    if not ids:
        return []
    revision = next_revision(connection)
    new = sorted(set(ids) - withdrawn(connection, ids))
    if new:
        statement = insert(connection, withdrawals)
        changes = {"revision": revision, "lifted": False}
        rows = [{"id": id_, **changes} for id_ in new]
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes), rows)
    return new


def restore(connection: Connection, ids: Sequence[str]) -> None:
    """Lift the withdrawals of `ids`; stored articles among them get a new revision: all processes see it."""
    if not ids:
        return
    revision = next_revision(connection)
    lifted = sorted(withdrawn(connection, ids))
    if lifted:
        again = sa.update(withdrawals).where(withdrawals.c.id.in_(lifted))
        connection.execute(again.values(revision=revision, lifted=True))
        connection.execute(sa.update(articles).where(articles.c.id.in_(lifted)).values(revision=revision))


def withdrawn(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of `ids` that are withdrawn."""
    standing = sa.select(withdrawals.c.id).where(~withdrawals.c.lifted)
    return set(rows_of(connection, standing, withdrawals.c.id, ids).scalars())


def withdrawn_since(connection: Connection, revision: int) -> tuple[list[str], int]:
    """Return the ids withdrawn after `revision` and not restored, and the newest revision among them."""
    w = withdrawals
    rows = connection.execute(sa.select(w.c.id, w.c.revision).where(w.c.revision > revision, ~w.c.lifted)).all()
    return sorted(row.id for row in rows), max((row.revision for row in rows), default=revision)
