"""Conditions on many ids in one parameter: a list with a parameter an id takes longer to build than to execute."""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

_NAME = "ids"


def is_among(dialect: str, column: sa.ColumnElement[Any], name: str = _NAME) -> sa.ColumnElement[bool]:
    """Return the condition that `column` is one of the ids of `ids_parameter` with the same name."""
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(name, type_=ARRAY(sa.Text)))
    given = sa.func.json_each(sa.bindparam(name, type_=sa.String)).table_valued("value")
    return column.in_(sa.select(given.c.value))


def ids_parameter(dialect: str, ids: Iterable[str], name: str = _NAME) -> dict[str, object]:
    """Return the parameter of a query with `is_among`."""
    return {name: list(ids) if dialect == "postgresql" else json.dumps(list(ids))}


def rows_of(
    connection: Connection, query: sa.Select[Any], column: sa.ColumnElement[Any], ids: Iterable[str]
) -> sa.CursorResult[Any]:
    """Execute `query` for the rows whose `column` is one of `ids`."""
    dialect = connection.dialect.name
    return connection.execute(query.where(is_among(dialect, column)), ids_parameter(dialect, ids))
