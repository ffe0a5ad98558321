"""Export of all stored data of a reader."""

import json
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from recsys.domain import Slate
from recsys.records import fields_of
from recsys.store import log_archive
from recsys.store.database import without_timeout
from recsys.store.tables import READER_TABLES

_JSON_COLUMNS = [field.name for field in fields_of(Slate) if field.is_list]


def export(connection: Connection, reader: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of `reader` by table, in log order. JSON-able; times are microseconds since 1970."""
    with without_timeout(connection):
        return {name: _rows(connection, column, reader) for name, column in sorted(READER_TABLES.items())}


def _rows(connection: Connection, column: sa.Column[Any], reader: str) -> list[dict[str, Any]]:
    """Return the rows of a table, those in the archive too."""
    query = sa.select(column.table).where(column == reader).order_by(*column.table.primary_key)
    stored = [_decoded(dict(row._mapping)) for row in connection.execute(query)]
    if column.table.name not in log_archive.SCHEMAS:
        return stored
    names = [each.name for each in column.table.c]
    archived = log_archive.rows_of_reader(connection, column.table, reader).select(names).iter_rows(named=True)
    return sorted([*map(_decoded, archived), *stored], key=itemgetter("seq"))


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: json.loads(v) if k in _JSON_COLUMNS and v is not None else v for k, v in row.items()}
