"""Readers who paused learning. Meanwhile the log takes nothing of theirs but the choices that must act.

The check runs in the transaction that appends rows, so it holds at once, in every process and from every door.
"""

from collections.abc import Collection

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.store.conflict_insert import insert
from recsys.store.id_arrays import ids_parameter, is_among
from recsys.store.tables import learning_pauses

KEPT = PREFERENCE_KINDS | {EventKind.HIDE, EventKind.DISLIKE}
"""Kinds of events that are stored during a pause: without them, a hidden article or a muted topic would return."""

_PAUSED = {
    name: sa.select(learning_pauses.c.reader).where(is_among(name, learning_pauses.c.reader))
    for name in ("postgresql", "sqlite")
}


def pause(connection: Connection, reader: str, at: int) -> None:
    """Store that a reader pauses learning from `at` (microseconds) on; a pause that lasts already stays."""
    new = insert(connection, learning_pauses).values(reader=reader, at=at)
    connection.execute(new.on_conflict_do_nothing(index_elements=["reader"]))


def resume(connection: Connection, reader: str) -> None:
    """End the pause of a reader, if there is one."""
    connection.execute(sa.delete(learning_pauses).where(learning_pauses.c.reader == reader))


def paused_among(connection: Connection, readers: Collection[str]) -> frozenset[str]:
    """Return those of `readers` who paused learning."""
    dialect = connection.dialect.name
    return frozenset(connection.execute(_PAUSED[dialect], ids_parameter(dialect, readers)).scalars())


def without_paused(connection: Connection, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows with a column `reader`, and `kind` if they are events: those to store, and those of a pause."""
    readers = rows["reader"].unique().to_list()
    paused = paused_among(connection, readers) if readers else frozenset()
    if not paused:
        return rows, rows.clear()
    left_out = pl.col("reader").is_in(list(paused))
    if "kind" in rows.columns:
        left_out &= ~pl.col("kind").is_in([kind.value for kind in KEPT])
    return rows.filter(~left_out), rows.filter(left_out)
