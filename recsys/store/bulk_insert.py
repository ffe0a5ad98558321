"""Bulk inserts through a temporary table, so that both databases run the same SQL afterwards.

PostgreSQL loads the rows with COPY, SQLite with `executemany` on the driver's own connection.
"""

import json

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

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
