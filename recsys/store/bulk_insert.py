"""Bulk inserts through a temporary table, so that both databases run the same SQL afterwards.

PostgreSQL loads the rows with COPY, SQLite with `executemany` on the driver's own connection.
"""

import json
from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.store.conflict_insert import insert

_BULK_FROM = 50
"""Rows from which COPY, or the driver's own `executemany`, is faster than statements of SQLAlchemy."""

ROW = "staged_row"
"""Name of the column that numbers the staged rows from 0."""


def stage(connection: Connection, target: sa.Table, frame: pl.DataFrame) -> sa.Table:
    """Load `frame` into a temporary table of this transaction. Its columns must be columns of `target`.

    Lists become JSON text. Return the temporary table: the frame's columns and `ROW`.
    """
    columns = [sa.Column(name, target.c[name].type) for name in frame.columns]
    staged = sa.Table(
        f"staged_{target.name}",
        sa.MetaData(),
        sa.Column(ROW, sa.BigInteger),
        *columns,
        prefixes=["TEMPORARY"],
    )
    staged.drop(connection, checkfirst=True)
    staged.create(connection)
    rows = lists_to_json(frame).with_row_index(ROW)
    if connection.dialect.name == "postgresql":
        _copy(connection, staged, rows)
    else:
        _executemany(connection, staged, rows)
    return staged


def upsert(connection: Connection, table: sa.Table, staged: sa.Table, key: str, only: str | None = None) -> None:
    """Insert the staged rows into `table`; a stored row with the same `key` is replaced.

    only: column that must differ for a stored row to be replaced.
    """
    names = [column.name for column in staged.c if column.name != ROW]
    rows = sa.select(*(staged.c[name] for name in names)).where(sa.true())
    statement = insert(connection, table).from_select(names, rows)
    changes = {name: statement.excluded[name] for name in names if name != key}
    differs = None if only is None else table.c[only] != statement.excluded[only]
    connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changes, where=differs))


def insert_new(
    connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Insert rows that are known not to be stored, without a temporary table."""
    if len(rows) < _BULK_FROM:
        connection.execute(sa.insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    names = ", ".join(columns)
    driver = connection.connection.driver_connection
    assert driver is not None, "a connection in use has its driver connection"
    if connection.dialect.name != "postgresql":
        places = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)  # noqa: S608 - our own names
        return
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def lists_to_json(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with its list columns as JSON text, as the tables store them."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(_json(frame[name]) for name in lists)


def _json(column: pl.Series) -> pl.Series:
    texts = [None if item is None else json.dumps(item, ensure_ascii=False) for item in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def _copy(connection: Connection, staged: sa.Table, rows: pl.DataFrame) -> None:
    names = ", ".join(rows.columns)
    driver = connection.connection.driver_connection
    assert driver is not None, "a connection in use has its driver connection"
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {staged.name} ({names}) FROM STDIN (FORMAT csv)") as copy,
    ):
        # quote strings, so that an empty string is not read as NULL
        copy.write(rows.write_csv(include_header=False, quote_style="non_numeric"))


def _executemany(connection: Connection, staged: sa.Table, rows: pl.DataFrame) -> None:
    placeholders = ", ".join("?" * rows.width)
    driver = connection.connection.driver_connection
    assert driver is not None, "a connection in use has its driver connection"
    driver.executemany(f"INSERT INTO {staged.name} VALUES ({placeholders})", rows.iter_rows())  # noqa: S608 - our own name
